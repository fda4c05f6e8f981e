#!/usr/bin/env bash
# cgroup2-vm.sh COMMAND…   Runs a command as root under a kernel of its own that has control groups
# of version 2 only, which the machine's own kernel may not. The machine's files and the current
# directory are there; nothing that is written to them stays.
#
# The command finds itself where systemd puts a login: in a session's group below slices, whose
# controllers are those that systemd hands down unasked (memory, pids).
#
# Needs Debian or Ubuntu, root (files are read as their owners left them), qemu-system-x86 and cpio.
# Processors are emulated, so that it works anywhere: some ten times slower than the machine's. Where
# the machine may run virtual ones, CGROUP2_VM_ACCELERATOR=kvm CGROUP2_VM_CPU=host. Kernel and busybox
# are fetched once, to CGROUP2_VM_CACHE.
# Exit status: the command's; 77 when something is missing, 70 when the machine ended by itself.
set -euo pipefail

cache=${CGROUP2_VM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/minato-cgroup2-vm}
cpus=${CGROUP2_VM_CPUS:-2}
memory_mb=${CGROUP2_VM_MEMORY_MB:-4096}
seconds=${CGROUP2_VM_SECONDS:-600}
accelerator=${CGROUP2_VM_ACCELERATOR:-tcg}
cpu=${CGROUP2_VM_CPU:-Nehalem}

skip() {
  echo "cgroup2-vm: skipped: $1" >&2
  exit 77
}

fetch_kernel() {
  [[ -e $cache/done ]] && return
  mkdir -p "$cache/root"
  local package
  package=$(apt-cache depends linux-image-amd64 2>/dev/null | awk '/Depends: linux-image/ {print $2; exit}')
  [[ -n $package ]] || skip "apt knows no linux-image-amd64"
  (cd "$cache" && apt-get -qq download "$package" busybox-static 2>/dev/null) || skip "$package cannot be fetched"
  local file
  for file in "$cache"/*.deb; do dpkg -x "$file" "$cache/root" && rm "$file"; done
  depmod -b "$cache/root" "$(ls "$cache/root/lib/modules")"
  touch "$cache/done"
}

# What runs until the machine's files are there: modules for 9p over virtio, a layer to write to.
write_first_init() {
  cat <<'END'
#!/bin/busybox sh
/bin/busybox --install -s /bin
while read -r module; do insmod "/modules/$module"; done </modules/order
mkdir -p /host /kernel /layer /new
mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=512000,cache=loose host /host
mount -t tmpfs -o size=80% tmpfs /layer
mkdir /layer/upper /layer/work
mount -t overlay -o lowerdir=/host,upperdir=/layer/upper,workdir=/layer/work overlay /new
mkdir -p /new/usr/lib/modules /new/run /new/sys /new/proc /new/dev
mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=512000,cache=loose modules /new/usr/lib/modules
mount -t tmpfs tmpfs /new/run
cp /second /command /new/run/
exec switch_root /new /bin/bash /run/second
END
}

# Then: what an init does, the groups as systemd has them, the command.
write_second_init() {
  cat <<'END'
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t cgroup2 cgroup2 /sys/fs/cgroup
# Where containers' layers are made: one overlay cannot be the upper part of another.
for directory in /var/tmp /var/lib/minato; do mkdir -p $directory && mount -t tmpfs tmpfs $directory; done
ip link set lo up
hostname cgroup2-vm
sysctl -qw net.ipv4.ip_forward=1
ulimit -n 65536
cd /sys/fs/cgroup
mkdir init.scope && echo $$ >init.scope/cgroup.procs
for parent in . user.slice user.slice/user-0.slice; do
  mkdir -p "$parent" && echo "+memory +pids" >"$parent/cgroup.subtree_control"
done
session=/sys/fs/cgroup/user.slice/user-0.slice/session-1.scope
mkdir "$session"
bash -c "echo \$\$ >$session/cgroup.procs && exec bash /run/command" </dev/null
echo $? >/dev/ttyS1
sync
poweroff -f
END
}

write_command() {
  echo "export HOME=/root PATH=$(printf %q "$PATH") TERM=dumb"
  echo "cd $(printf %q "$PWD")"
  printf 'exec'
  printf ' %q' "$@"
  echo
}

write_initramfs() {
  local ram=$work/ram module file
  mkdir -p "$ram/bin" "$ram/modules"
  cp "$cache/root/bin/busybox" "$ram/bin/"
  for module in virtio_pci 9pnet_virtio 9p overlay; do
    modprobe -d "$cache/root" -S "$release" --show-depends "$module"
  done | awk '/^insmod/ && !seen[$2]++ {print $2}' | while read -r file; do
    cp "$file" "$ram/modules/"
    basename "$file" >>"$ram/modules/order"
  done
  write_first_init >"$ram/init"
  write_second_init >"$ram/second"
  write_command "$@" >"$ram/command"
  chmod +x "$ram/init"
  (cd "$ram" && find . | cpio --quiet -o -H newc >"$work/initramfs")
}

boot() {
  timeout "$seconds" qemu-system-x86_64 -accel "$accelerator" -cpu "$cpu" -smp "$cpus" -m "$memory_mb" \
    -nodefaults -no-reboot -display none -serial stdio -serial "file:$work/status" \
    -kernel "$cache/root/boot/vmlinuz-$release" -initrd "$work/initramfs" \
    -append "console=ttyS0 panic=-1 cgroup_no_v1=all" \
    -fsdev "local,id=host,path=/,security_model=none,readonly=on,multidevs=remap" \
    -device virtio-9p-pci,fsdev=host,mount_tag=host \
    -fsdev "local,id=modules,path=$cache/root/lib/modules,security_model=none,readonly=on" \
    -device virtio-9p-pci,fsdev=modules,mount_tag=modules
}

[[ $# -gt 0 ]] || { sed -n '2,12s/^# \?//p' "$0" && exit 64; }
[[ $(id -u) == 0 ]] || skip "not root"
for program in qemu-system-x86_64 cpio dpkg depmod; do
  command -v "$program" >/dev/null || skip "no $program"
done
fetch_kernel
release=$(ls "$cache/root/lib/modules")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
write_initramfs "$@"
boot </dev/null || true
status=$(tr -dc 0-9 <"$work/status")
[[ -n $status ]] || { echo "cgroup2-vm: the machine ended before the command did" >&2 && exit 70; }
exit "$status"
