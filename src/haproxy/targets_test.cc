// Statistics and the target table, without HAProxy: a fake that understands the commands.
#include "haproxy/targets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/strings.h"
#include "haproxy/access_log.h"
#include "host/files.h"

namespace minato::haproxy {
namespace {

using balancer::Health;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kHeader[] =
    "# pxname,svname,scur,status,check_status,check_code,req_tot,hrsp_2xx,hrsp_5xx,econ,addr,"
    "last_chk\n";

TEST(StatsTest, ReadsColumnsByNameAndQuotedFields) {
  const auto snapshot = parse_stat(std::string(kHeader) +
                                   "targets,i-1,3,DOWN 1/2,* L7STS,503,10,7,2,1,10.0.1.1:80,"
                                   "\"a, \"\"b\"\"\"\n\n");
  ASSERT_TRUE(snapshot);
  const StatRow* row = snapshot->find("targets", "i-1");
  ASSERT_NE(row, nullptr);
  EXPECT_EQ(row->in_flight, 3U);
  EXPECT_EQ(row->status, "DOWN 1/2");
  EXPECT_EQ(row->address, "10.0.1.1:80");
  EXPECT_EQ(row->connection_errors, 1U);
  EXPECT_EQ(check_result(*row), CheckResult::kFailed);
}

TEST(StatsTest, RefusesWhatIsNotStatistics) {
  EXPECT_TRUE(failed_with(parse_stat("Unknown command"), Reason::kInvalid));
  EXPECT_THAT(parse_stat("# pxname,svname\n").error().message, HasSubstr("'status'"));
}

TEST(StatsTest, CheckFailuresHaveAwsReasons) {
  const auto reason = [](std::string status, int code = 0) {
    return reason_of_failure({.check_status = std::move(status), .check_code = code});
  };
  EXPECT_EQ(reason("L7STS", 404),
            (HealthReason{"Target.ResponseCodeMismatch",
                          "Health checks failed with these codes: [404]"}));
  EXPECT_EQ(reason("L4TOUT").reason, "Target.Timeout");
  EXPECT_EQ(reason("* L7TOUT").reason, "Target.Timeout");
  EXPECT_EQ(reason("L4CON").reason, "Target.FailedHealthChecks");
  EXPECT_EQ(reason("L7RSP").reason, "Target.FailedHealthChecks");
  EXPECT_EQ(check_result({.check_status = "INI"}), CheckResult::kNone);
  EXPECT_EQ(check_result({.check_status = "* L7OK"}), CheckResult::kPassed);
}

StatSnapshot counted(std::uint64_t all, std::uint64_t all_5xx, std::uint64_t target,
                     std::uint64_t target_5xx) {
  StatSnapshot snapshot;
  snapshot.rows["requests/FRONTEND"] = {
      .proxy = "requests", .name = "FRONTEND", .requests = all, .http_5xx = all_5xx};
  snapshot.rows["targets/i-1"] = {
      .proxy = "targets", .name = "i-1", .requests = target, .http_5xx = target_5xx};
  return snapshot;
}

TEST(CounterLedgerTest, TellsOwnFailuresFromTargetsAcrossProcesses) {
  CounterLedger ledger;
  ledger.begin_process(CounterLedger::Origin::kStartedByUs);
  ledger.add(counted(10, 3, 9, 2));
  ledger.begin_process(CounterLedger::Origin::kStartedByUs);
  ledger.add(counted(5, 1, 5, 0));
  const balancer::Counters totals = ledger.totals();
  EXPECT_EQ(totals.requests, 15U);
  EXPECT_EQ(totals.target_5xx, 2U);
  EXPECT_EQ(totals.elb_5xx, 2U);
  ASSERT_THAT(totals.targets, SizeIs(1));
  EXPECT_EQ(totals.targets[0].requests, 14U);
}

TEST(CounterLedgerTest, AdoptedProcessCountsFromItsFirstSnapshot) {
  CounterLedger ledger;
  ledger.begin_process(CounterLedger::Origin::kAdopted);
  ledger.add(counted(100, 30, 90, 20));
  ledger.add(counted(104, 31, 94, 20));
  EXPECT_EQ(ledger.totals().requests, 4U);
  EXPECT_EQ(ledger.totals().elb_5xx, 1U);
  EXPECT_EQ(ledger.totals().target_5xx, 0U);
}

// HAProxy's side of the runtime commands that the table uses, in 2.6's manner.
class FakeHaproxy {
 public:
  StatSnapshot snapshot;
  std::vector<std::string> log;

  void run(const std::vector<std::string>& commands) {
    for (const std::string& command : commands) run(command);
  }
  StatRow* row(const std::string& server) {
    const auto found = snapshot.rows.find(server);
    return found == snapshot.rows.end() ? nullptr : &found->second;
  }

 private:
  void run(const std::string& command) {
    log.push_back(command);
    const std::vector<std::string> words = split(command, ' ');
    if (words[0] == "add") {
      const auto parts = split(words[2], '/');
      snapshot.rows.try_emplace(words[2], StatRow{.proxy = parts[0],
                                                  .name = parts[1],
                                                  .status = "MAINT",
                                                  .address = words[3],
                                                  .check_status = words.size() > 4 ? "INI" : ""});
    } else if (words[0] == "del") {
      const StatRow* present = row(words[2]);
      if (present && present->status == "MAINT" && present->in_flight == 0) {
        snapshot.rows.erase(words[2]);
      }
    } else if (StatRow* present = words.size() > 2 ? row(words[2]) : nullptr) {
      if (words[0] == "enable" && words[1] == "server") present->status = "no check";
      if (words[0] != "set") return;
      if (words[3] == "health") down_[words[2]] = words[4] == "down";
      if (words[3] == "state" && words[4] == "maint") present->status = "MAINT";
      if (words[3] == "state" && words[4] == "drain") present->status = "DRAIN";
      if (words[3] == "state" && words[4] == "ready") {
        present->status = down_[words[2]] ? "DOWN" : "UP";
      }
    }
  }
  std::map<std::string, bool> down_;
};

class TargetTableTest : public ::testing::Test {
 protected:
  TargetTableTest() {
    table_.set_group({.name = "shop",
                      .health_check = {.interval = 5s, .healthy_threshold = 2,
                                       .unhealthy_threshold = 3}});
  }
  TargetTable::Outcome round(Duration pass = 0s) {
    now_ += pass;
    auto outcome = table_.reconcile(haproxy_.snapshot, elsewhere_, now_);
    haproxy_.run(outcome.commands);
    return outcome;
  }
  void check(const std::string& status, int code = 0) {
    StatRow* row = haproxy_.row("targets/i-1");
    ASSERT_NE(row, nullptr);
    row->check_status = status;
    row->check_code = code;
  }
  Health health() { return table_.observations().at(0).health; }
  void make_healthy() {
    ASSERT_TRUE(table_.add(target_));
    round();
    check("L7OK", 200);
    round();
  }

  const balancer::Target target_{.id = "i-1", .ip = "10.0.1.1", .port = 30080, .zone = "a"};
  TargetTable table_;
  FakeHaproxy haproxy_;
  std::map<std::string, std::uint64_t> elsewhere_;
  MonoTime now_{};
};

TEST_F(TargetTableTest, NewTargetIsProbedQuicklyWithoutTraffic) {
  ASSERT_TRUE(table_.add(target_));
  const auto outcome = round();
  EXPECT_THAT(haproxy_.log, Contains(HasSubstr("downinter 50ms")));
  EXPECT_EQ(haproxy_.row("targets/i-1")->status, "DRAIN");
  EXPECT_EQ(haproxy_.row("targets_open/i-1"), nullptr);
  ASSERT_THAT(outcome.changes, SizeIs(1));
  EXPECT_EQ(outcome.changes[0].reason, "Elb.InitialHealthChecking");
  EXPECT_THAT(round().commands, IsEmpty());
  EXPECT_THAT(round().changes, IsEmpty());
}

TEST_F(TargetTableTest, OnePassEndsInitial) {
  make_healthy();
  EXPECT_EQ(health(), Health::kHealthy);
  EXPECT_EQ(haproxy_.row("targets/i-1")->status, "UP");
  EXPECT_EQ(haproxy_.row("targets_open/i-1")->status, "no check");
  EXPECT_THAT(haproxy_.log.back(), HasSubstr("state ready"));
  EXPECT_THAT(round().commands, IsEmpty());
}

TEST_F(TargetTableTest, ThresholdOfFailuresEndsInitial) {
  ASSERT_TRUE(table_.add(target_));
  round();
  check("L7STS", 503);
  round();  // First failure: from the quick probe, replaced by a plain one.
  EXPECT_EQ(haproxy_.row("targets/i-1")->check_status, "INI");
  check("L7STS", 503);
  round(5s);
  EXPECT_EQ(health(), Health::kChecking);
  round(5s);
  EXPECT_EQ(health(), Health::kUnhealthy);
  EXPECT_EQ(table_.observations()[0].description, "Health checks failed with these codes: [503]");
  EXPECT_EQ(haproxy_.row("targets/i-1")->status, "DOWN");
  EXPECT_EQ(haproxy_.row("targets_open/i-1")->status, "no check");
}

TEST_F(TargetTableTest, RecoveringTargetKeepsItsReasonUntilItIsUp) {
  make_healthy();
  haproxy_.row("targets/i-1")->status = "DOWN";
  check("L4TOUT");
  EXPECT_THAT(round().changes, SizeIs(1));
  haproxy_.row("targets/i-1")->status = "DOWN 1/2";
  check("L7OK", 200);
  EXPECT_THAT(round().changes, IsEmpty());
  EXPECT_EQ(table_.observations()[0].reason, "Target.Timeout");
  haproxy_.row("targets/i-1")->status = "UP";
  EXPECT_THAT(round().changes, SizeIs(1));
  EXPECT_EQ(table_.observations()[0].reason, "");
}

TEST_F(TargetTableTest, DrainingReportsZeroOnlyAfterTrafficStopped) {
  make_healthy();
  round();
  ASSERT_TRUE(table_.drain("i-1"));
  EXPECT_EQ(table_.observations()[0].in_flight, 1U);
  round();  // Sees rows that still serve; sends maint.
  EXPECT_EQ(table_.observations()[0].in_flight, 1U);
  const auto outcome = round();
  ASSERT_THAT(outcome.changes, SizeIs(1));
  EXPECT_EQ(outcome.changes[0].in_flight, 0U);
}

TEST_F(TargetTableTest, RequestsInARelievedProcessCountAsInFlight) {
  make_healthy();
  ASSERT_TRUE(table_.drain("i-1"));
  elsewhere_["i-1"] = 2;
  round();
  round();
  EXPECT_EQ(table_.observations()[0].in_flight, 2U);
}

TEST_F(TargetTableTest, RemovalIsRepeatedUntilTheRowIsGone) {
  make_healthy();
  haproxy_.row("targets/i-1")->in_flight = 1;
  ASSERT_TRUE(table_.remove("i-1"));
  EXPECT_THAT(round().commands, Contains("shutdown sessions server targets/i-1"));
  EXPECT_THAT(round().forgotten, IsEmpty());
  haproxy_.row("targets/i-1")->in_flight = 0;
  round();
  EXPECT_THAT(round().forgotten, ElementsAre("i-1"));
  EXPECT_THAT(table_.observations(), IsEmpty());
  EXPECT_TRUE(table_.remove("i-1"));
}

TEST_F(TargetTableTest, HealthyTargetLostWithAProcessIsPutBackWithoutProbation) {
  make_healthy();
  EXPECT_THAT(table_.seeds(), SizeIs(1));
  haproxy_.snapshot.rows.clear();
  round();
  EXPECT_EQ(haproxy_.row("targets/i-1")->status, "UP");
  EXPECT_EQ(health(), Health::kHealthy);
}

TEST_F(TargetTableTest, ServersOfAFormerControlAreTakenOverAndReported) {
  make_healthy();
  TargetTable next;
  const auto outcome = next.reconcile(haproxy_.snapshot, {}, now_);
  ASSERT_THAT(outcome.changes, SizeIs(1));
  EXPECT_EQ(outcome.changes[0].target_id, "i-1");
  EXPECT_EQ(outcome.changes[0].health, Health::kHealthy);
  EXPECT_THAT(outcome.commands, IsEmpty());
  EXPECT_TRUE(failed_with(next.drain("i-2"), Reason::kNotFound));
}

TEST_F(TargetTableTest, DrainBeforeTheFirstSnapshotOfAnAdoptedProcessHolds) {
  make_healthy();
  TargetTable next;
  ASSERT_TRUE(next.drain("i-1"));
  haproxy_.run(next.reconcile(haproxy_.snapshot, {}, now_).commands);
  EXPECT_EQ(haproxy_.row("targets/i-1")->status, "MAINT");
  EXPECT_EQ(haproxy_.row("targets_open/i-1")->status, "MAINT");
}

TEST_F(TargetTableTest, TargetRegisteredAgainWhileDrainingIsInitialAgain) {
  make_healthy();
  ASSERT_TRUE(table_.drain("i-1"));
  round();
  ASSERT_TRUE(table_.add(target_));
  round();
  EXPECT_EQ(health(), Health::kChecking);
  EXPECT_EQ(haproxy_.row("targets/i-1")->status, "DRAIN");
  EXPECT_EQ(haproxy_.row("targets_open/i-1"), nullptr);
}

TEST_F(TargetTableTest, NamesThatCouldBeReadAsCommandsAreRefused) {
  EXPECT_FALSE(table_.add({.id = "i-1;show env", .ip = "10.0.0.1", .port = 1}));
  EXPECT_FALSE(table_.add({.id = "i-1", .ip = "10.0.0.1 weight 9", .port = 1}));
  EXPECT_FALSE(table_.add({.id = "i-1", .ip = "10.0.0.1", .port = 0}));
}

TEST(AccessLogTest, IsCopiedAndEmptiedAtItsLimit) {
  char pattern[] = "/tmp/minato-log-XXXXXX";
  const std::string directory = ::mkdtemp(pattern);
  const std::string path = directory + "/access.log";
  EXPECT_TRUE(bound_access_log(path, 10));
  ASSERT_TRUE(host::write_file_atomic(path, "123456789", 0600));
  EXPECT_TRUE(bound_access_log(path, 10));
  EXPECT_EQ(host::read_file(path).value(), "123456789");
  ASSERT_TRUE(host::write_file_atomic(path, "1234567890", 0600));
  EXPECT_TRUE(bound_access_log(path, 10));
  EXPECT_EQ(host::read_file(path).value(), "");
  EXPECT_EQ(host::read_file(path + ".1").value(), "1234567890");
  EXPECT_TRUE(host::remove_tree(directory));
}

}  // namespace
}  // namespace minato::haproxy
