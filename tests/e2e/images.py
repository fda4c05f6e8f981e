"""Images that no one should run, made from the example's: OCI layouts with one thing wrong each."""
import gzip
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import tarfile

TAG = "org.opencontainers.image.ref.name"


class Layout:
    """A copy of a layout, of which one tag is kept and may be changed."""

    def __init__(self, source, directory, tag="1"):
        shutil.copytree(source, directory)
        self.directory, self.reference = directory, f"oci:{directory}:{tag}"
        self.index = self.read_json("index.json")
        self.entry = next(one for one in self.index["manifests"] if one["annotations"][TAG] == tag)
        self.manifest = self.read_json(self.blob(self.entry["digest"]))
        self.config = self.read_json(self.blob(self.manifest["config"]["digest"]))

    def blob(self, digest):
        return "blobs/" + digest.replace(":", "/")

    def read_json(self, path):
        with open(f"{self.directory}/{path}", "rb") as file:
            return json.load(file)

    def put(self, data):
        if not isinstance(data, bytes):
            data = json.dumps(data).encode()
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        with open(f"{self.directory}/{self.blob(digest)}", "wb") as file:
            file.write(data)
        return {"digest": digest, "size": len(data)}

    def save(self):
        """Consistent again after changes to config, manifest or layers."""
        self.manifest["config"].update(self.put(self.config))
        self.entry.update(self.put(self.manifest))
        self.index["manifests"] = [self.entry]
        with open(f"{self.directory}/index.json", "w") as file:
            json.dump(self.index, file)
        return self.reference

    # What can be wrong.

    def with_architecture(self, architecture):
        self.config["architecture"] = self.entry["platform"]["architecture"] = architecture
        return self.save()

    def with_damaged_layer(self):
        # New content first, else the layer that is stored already would do.
        self.with_layer([("etc/damaged", b"once whole")])
        path = f"{self.directory}/{self.blob(self.manifest['layers'][-1]['digest'])}"
        with open(path, "r+b") as file:
            file.seek(-9, os.SEEK_END)
            byte = file.read(1)
            file.seek(-1, os.SEEK_CUR)
            file.write(bytes([byte[0] ^ 1]))
        return self.reference

    def with_damaged_manifest(self):
        self.config["config"]["Env"].append("DAMAGED=1")
        self.save()
        with open(f"{self.directory}/{self.blob(self.entry['digest'])}", "ab") as file:
            file.write(b" ")
        return self.reference

    def with_layer(self, files, mode=0o644, owner=0):
        """One more layer: (name, content), (name, None) for a directory, or (name, ("link"|"symlink", target))."""
        raw = io.BytesIO()
        with tarfile.open(fileobj=raw, mode="w") as tar:
            for name, content in files:
                entry = tarfile.TarInfo(name)
                entry.uid = entry.gid = owner
                if content is None:
                    entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                    tar.addfile(entry)
                elif isinstance(content, tuple):
                    entry.type = tarfile.LNKTYPE if content[0] == "link" else tarfile.SYMTYPE
                    entry.linkname = content[1]
                    tar.addfile(entry)
                else:
                    entry.size, entry.mode = len(content), mode
                    tar.addfile(entry, io.BytesIO(content))
        layer = {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", **self.put(gzip.compress(raw.getvalue(), mtime=0))}
        self.manifest["layers"].append(layer)
        self.config["rootfs"]["diff_ids"].append("sha256:" + hashlib.sha256(raw.getvalue()).hexdigest())
        return self.save()

    def with_programs(self, *programs):
        """Programs of this machine with the libraries that they load, for root."""
        files = {}
        for program in programs:
            loaded = subprocess.run(["ldd", program], stdout=subprocess.PIPE, text=True).stdout
            for path in [program, *re.findall(r"(?:=> |^\s+)(/\S+) \(", loaded, re.M)]:
                with open(path, "rb") as file:
                    files[path.lstrip("/")] = file.read()
        self.config["config"].pop("User", None)
        return self.with_layer(sorted(files.items()), mode=0o755)

    def with_entrypoint(self, *words):
        self.config["config"]["Entrypoint"] = list(words)
        return self.save()
