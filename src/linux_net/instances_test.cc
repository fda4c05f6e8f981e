// Machines, Service DNS and the examination of this host, for real.
#include "linux_net/instances.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>

#include <memory>
#include <optional>
#include <set>

#include "base/strings.h"
#include "host/loop.h"
#include "host/process.h"
#include "linux_net/dns.h"
#include "linux_net/doctor.h"
#include "linux_net/network_fixture.h"

namespace minato::linux_net {
namespace {

using instance::Machine;
using instance::Spec;

class InstancesTest : public NetworkTest {
 protected:
  void SetUp() override {
    NetworkTest::SetUp();
    if (IsSkipped()) return;
    loop_.emplace();
    auto opened = Vpc::open({.directory = dir_, .zones = {"az-a", "az-b"}}, log_);
    ASSERT_TRUE(opened) << opened.error().message;
    vpc_ = std::move(opened).value();
    restart();
  }
  void TearDown() override { EXPECT_TRUE(cgroups_.remove_root()); }
  void restart() {
    driver_.emplace(
        InstancesOptions{
            .boot_delay = 20ms,
            .before_remove = [this](const std::string& node) { removed_.push_back(node); }},
        *vpc_, cgroups_, *loop_, log_);
    driver_->set_sink([this](const std::string& id) { lost_.push_back(id); });
  }
  static Spec spec(const std::string& id, const std::string& zone = "az-a") {
    return {.id = id, .type = "m6i.large", .zone = zone, .vcpus = 2, .memory_bytes = 256 << 20};
  }
  Result<Machine> boot(const Spec& spec) {
    Result<Machine> result = fail(Reason::kUnknown, "");
    driver_->boot(spec, [&](Result<Machine> got) {
      result = std::move(got);
      loop_->stop();
    });
    run_loop();
    return result;
  }
  Status terminate(const std::string& id) {
    Status result = fail(Reason::kUnknown, "");
    driver_->terminate(id, instance::Loss::kTerminate, [&](Status got) {
      result = std::move(got);
      loop_->stop();
    });
    run_loop();
    return result;
  }
  void run_loop() {
    loop_->io().restart();  // An earlier turn has stopped it.
    loop_->run();
  }
  // Something that runs on the machine: in its namespace and, where there are any, its group.
  pid_t start_on(const Machine& machine) {
    const std::string netns = vpc_->node_link(machine.hostname)->netns_path;
    EXPECT_TRUE(cgroups_.create(machine.id + "/pod", {}));
    const auto files = cgroups_.join_files(machine.id + "/pod");
    int ready[2];
    EXPECT_EQ(::pipe(ready), 0);
    const pid_t pid = ::fork();
    if (pid == 0) {
      for (const std::string& file : files) (void)host::write_kernel_file(file, "0");
      const int fd = ::open(netns.c_str(), O_RDONLY);
      if (::setns(fd, CLONE_NEWNET) != 0 || ::write(ready[1], "1", 1) != 1) ::_exit(1);
      while (true) ::pause();
    }
    char byte = 0;
    EXPECT_EQ(::read(ready[0], &byte, 1), 1);
    ::close(ready[0]);
    ::close(ready[1]);
    return pid;
  }
  std::optional<host::Loop> loop_;  // Has threads: made after the namespaces.
  host::Cgroups cgroups_ = host::Cgroups::detect(fmt::format("minato-test-{}", ::getpid()));
  std::unique_ptr<Vpc> vpc_;
  std::optional<Instances> driver_;
  std::vector<std::string> removed_, lost_;
};

TEST_F(InstancesTest, BootsWithAnAddressAndAName) {
  const auto machine = boot(spec("i-1", "az-b"));
  ASSERT_TRUE(machine) << machine.error().message;
  EXPECT_EQ(machine->private_ip, "10.77.2.11");
  EXPECT_EQ(machine->hostname, "ip-10-77-2-11.ap-northeast-1.compute.internal");
  EXPECT_EQ(machine->zone, "az-b");
  EXPECT_EQ(cgroups_.usage("i-1").has_value(), cgroups_.mode() != host::Cgroups::Mode::kNone);
}

TEST_F(InstancesTest, TerminationEndsWhatRunsThereAndLeavesNothing) {
  const auto machine = boot(spec("i-1"));
  ASSERT_TRUE(machine) << machine.error().message;
  const pid_t pid = start_on(*machine);
  const Status ended = terminate("i-1");
  EXPECT_TRUE(ended) << ended.error().message;
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_EQ(WTERMSIG(status), SIGKILL);
  EXPECT_EQ(removed_, std::vector<std::string>{machine->hostname});
  EXPECT_TRUE(driver_->list().empty());
  EXPECT_FALSE(cgroups_.usage("i-1"));
  EXPECT_TRUE(terminate("i-1")) << "gone is gone";
}

TEST_F(InstancesTest, IsFoundAgainAfterARestart) {
  const auto machine = boot(spec("i-1"));
  ASSERT_TRUE(machine);
  vpc_ = Vpc::open({.directory = dir_, .zones = {"az-a", "az-b"}}, log_).value();
  restart();
  ASSERT_EQ(driver_->list().size(), 1u);
  EXPECT_EQ(driver_->list()[0].id, "i-1");
  EXPECT_EQ(driver_->list()[0].hostname, machine->hostname);
  EXPECT_EQ(boot(spec("i-1"))->private_ip, machine->private_ip);
}

TEST_F(InstancesTest, TerminationDuringBootAnswersBoth) {
  Result<Machine> booted = fail(Reason::kUnknown, "");
  driver_->boot(spec("i-1"), [&](Result<Machine> got) { booted = std::move(got); });
  EXPECT_TRUE(terminate("i-1"));
  EXPECT_TRUE(failed_with(booted, Reason::kAborted));
  EXPECT_TRUE(driver_->list().empty());
}

TEST_F(InstancesTest, AZoneThatIsCutHasNoCapacity) {
  ASSERT_TRUE(vpc_->set_zone_link("az-a", LinkState::kDown));
  const auto machine = boot(spec("i-1"));
  ASSERT_TRUE(failed_with(machine, Reason::kUnavailable));
  EXPECT_TRUE(machine.error().message.starts_with("InsufficientInstanceCapacity"));
  EXPECT_TRUE(boot(spec("i-2", "az-b")));
}

TEST_F(InstancesTest, AFailureIsToldToTheSink) {
  ASSERT_TRUE(boot(spec("i-1")));
  ASSERT_TRUE(driver_->fail_instance("i-1"));
  EXPECT_EQ(lost_, std::vector<std::string>{"i-1"});
  EXPECT_TRUE(driver_->list().empty());
  EXPECT_TRUE(failed_with(driver_->fail_instance("i-1"), Reason::kNotFound));
}

class DnsTest : public NetworkTest {
 protected:
  void SetUp() override {
    NetworkTest::SetUp();
    if (IsSkipped()) return;
    if (!host::find_program("dnsmasq")) GTEST_SKIP() << "dnsmasq is not installed";
    auto opened = Vpc::open({.directory = dir_, .zones = {"az-a"}}, log_);
    ASSERT_TRUE(opened) << opened.error().message;
    vpc_ = std::move(opened).value();
    pod_ = vpc_->attach_pod(vpc_->add_node("i-1", "az-a")->name, "pod").value();
    serve();
  }
  void TearDown() override {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  void serve() {
    const std::string address = vpc_->plan().dns().to_string();
    auto opened = HostsDirectory::open(dir_ + "/dns", address);
    ASSERT_TRUE(opened) << opened.error().message;
    records_.emplace(std::move(opened).value());
    host::SpawnOptions spawn;
    spawn.argv = dns_command(records_->path(), address);
    const auto pid = host::spawn(spawn);
    ASSERT_TRUE(pid) << pid.error().message;
    pid_ = *pid;
  }
  // Asks from the Pod until the answer is `wanted`; gives back the last answer.
  std::string resolve(const std::string& name, const std::string& wanted) {
    std::string answer;
    for (int attempt = 0; attempt < 200 && answer != wanted; ++attempt) {
      answer = query(name);
      ::usleep(5000);
    }
    return answer;
  }
  // "NXDOMAIN", "" (no answer), or the addresses, sorted.
  std::string query(const std::string& name) {
    std::string packet("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00", 12);
    for (const std::string& label : split(name, '.')) {
      packet += static_cast<char>(label.size());
      packet += label;
    }
    packet += std::string("\x00\x00\x01\x00\x01", 5);
    const host::Fd socket = open_socket(pod_.netns_path, Transport::kUdp);
    const sockaddr_in to = socket_address(records_->server_address(), 53);
    (void)::sendto(socket.get(), packet.data(), packet.size(), 0,
                   reinterpret_cast<const sockaddr*>(&to), sizeof to);
    pollfd wait{.fd = socket.get(), .events = POLLIN, .revents = 0};
    if (::poll(&wait, 1, 100) != 1) return "";
    unsigned char answer[1500];
    const ssize_t n = ::recv(socket.get(), answer, sizeof answer, 0);
    if (n < 12) return "";
    if ((answer[3] & 15) == 3) return "NXDOMAIN";
    std::set<std::string> addresses;
    // Each answer is a compressed name, type, class, TTL, length and four octets.
    for (std::size_t at = packet.size(); at + 16 <= static_cast<std::size_t>(n); at += 16) {
      addresses.insert(fmt::format("{}.{}.{}.{}", answer[at + 12], answer[at + 13], answer[at + 14],
                                   answer[at + 15]));
    }
    return join({addresses.begin(), addresses.end()}, " ");
  }
  std::unique_ptr<Vpc> vpc_;
  PodLink pod_;
  std::optional<HostsDirectory> records_;
  pid_t pid_ = 0;
};

TEST_F(DnsTest, PodsResolveWhatWasAppliedAndNothingElse) {
  const std::string web = "web.default.svc.cluster.local", db = "db.default.svc.cluster.local";
  ASSERT_TRUE(records_->apply({{web, {"10.100.0.10"}}, {db, {"10.77.16.2", "10.77.16.3"}}}));
  EXPECT_EQ(resolve(web, "10.100.0.10"), "10.100.0.10");
  EXPECT_EQ(resolve(db, "10.77.16.2 10.77.16.3"), "10.77.16.2 10.77.16.3");
  EXPECT_EQ(query("example.com"), "NXDOMAIN");
  ASSERT_TRUE(records_->apply({{web, {"10.100.0.11"}}}));
  EXPECT_EQ(resolve(web, "10.100.0.11"), "10.100.0.11");
  EXPECT_EQ(resolve(db, "NXDOMAIN"), "NXDOMAIN");
}

TEST(RenderHostsTest, OneLinePerAddressSorted) {
  EXPECT_EQ(render_hosts({{"b", {"10.0.0.2", "10.0.0.1"}}, {"a", {"10.0.0.1"}}, {"none", {}}}),
            "10.0.0.1 a\n10.0.0.1 b\n10.0.0.2 b\n");
}

TEST(DoctorTest, EveryFindingThatIsNotFineSaysWhatToDo) {
  const auto findings = examine_host();
  EXPECT_GE(findings.size(), 12u);
  for (const Finding& finding : findings) {
    EXPECT_FALSE(finding.name.empty());
    EXPECT_FALSE(finding.why.empty()) << finding.name;
    EXPECT_EQ(finding.fix.empty(), finding.level == Finding::Level::kOk) << finding.name;
    RecordProperty(finding.name, finding.why);
  }
}

}  // namespace
}  // namespace minato::linux_net
