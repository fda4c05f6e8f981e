// `minato cloud catalogue`: instance types with sizes and prices, and how to have today's from AWS.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>

#include <boost/json/serialize.hpp>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/time.h"
#include "cloud/catalogue_file.h"
#include "commands.h"
#include "host/files.h"
#include "host/process.h"
#include "table.h"

namespace minato::app {
namespace json = boost::json;
namespace {

constexpr std::size_t kMaxCatalogueBytes = 256 << 20;

struct CatalogueArguments {
  Common common;
  std::vector<std::string> files;
  std::string region;
  bool refresh = false;
  std::string directory = "aws-catalogue";
};

// One call of the aws command, and the file that keeps what it prints.
struct Query {
  std::string file;
  std::vector<std::string> argv;
};

std::vector<Query> queries(const std::string& region) {
  std::string names;
  for (const cloud::InstanceType& type : cloud::catalogue()) names += (names.empty() ? "" : ",") + std::string(type.name);
  const std::string of_types = "Name=instance-type,Values=" + names;
  const auto equals = [](const std::string& field, const std::string& value) {
    return fmt::format("Type=TERM_MATCH,Field={},Value={}", field, value);
  };
  const WallTime now{std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch())};
  return {
      {"instance-types.json",
       {"aws", "ec2", "describe-instance-types", "--region", region, "--output", "json", "--filters", of_types}},
      {"prices.json",
       // The price list is served from a few regions only, for all of them.
       {"aws", "pricing", "get-products", "--region", "us-east-1", "--output", "json", "--service-code", "AmazonEC2",
        "--filters", equals("regionCode", region), equals("operatingSystem", "Linux"), equals("tenancy", "Shared"),
        equals("preInstalledSw", "NA"), equals("capacitystatus", "Used")}},
      {"spot-prices.json",
       // From now on: of each pool the price that holds.
       {"aws", "ec2", "describe-spot-price-history", "--region", region, "--output", "json", "--product-descriptions",
        "Linux/UNIX", "--start-time", format_rfc3339(now), "--filters", of_types}}};
}

Status run_into(const Query& query, const std::filesystem::path& path) {
  const std::string partial = path.string() + ".partial";
  const host::Fd out(::open(partial.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!out) return fail(Reason::kInternalError, fmt::format("{}: {}", partial, std::strerror(errno)));
  host::SpawnOptions options;
  options.argv = query.argv;
  options.descriptors = {{out.get(), 1}, {2, 2}};
  const auto pid = host::spawn(options);
  if (!pid) {
    return fail(pid.error().reason, fmt::format("{}; AWS is asked by its own command line, see "
                                                "https://aws.amazon.com/cli/", pid.error().message));
  }
  int status = 0;
  while (::waitpid(*pid, &status, 0) < 0 && errno == EINTR) continue;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return fail(Reason::kUnavailable, fmt::format("aws {} {} failed; what it said is above, {} is as it was",
                                                  query.argv[1], query.argv[2], path.string()));
  }
  std::error_code error;
  std::filesystem::rename(partial, path, error);
  return error ? fail(Reason::kInternalError, fmt::format("{}: {}", path.string(), error.message())) : Status{};
}

// Returns the files that were written.
Result<std::vector<std::string>> refresh(const CatalogueArguments& arguments) {
  if (arguments.region.empty()) return fail(Reason::kInvalid, "--refresh needs --region: prices are a region's");
  std::error_code error;
  std::filesystem::create_directories(arguments.directory, error);
  if (error) return fail(Reason::kInvalid, fmt::format("{}: {}", arguments.directory, error.message()));
  std::vector<std::string> out;
  for (const Query& query : queries(arguments.region)) {
    const auto path = std::filesystem::path(arguments.directory) / query.file;
    RETURN_IF_ERROR(run_into(query, path));
    out.push_back(path.string());
  }
  return out;
}

Status read_into(cloud::Catalogue& catalogue, const std::vector<std::string>& files, const std::string& region) {
  for (const std::string& file : files) {
    ASSIGN_OR_RETURN(const std::string content, host::read_file(file, kMaxCatalogueBytes));
    const auto records = cloud::read_catalogue(content, region);
    if (!records) return wrap(file, records.error());
    std::size_t unknown = catalogue.merge(*records).size();
    if (unknown > 0) fmt::print(stderr, "minato: {}: {} types left out, since no file says their size\n", file, unknown);
  }
  return {};
}

void print_catalogue(const cloud::Catalogue& catalogue, const Common& common) {
  Table table({"TYPE", "ARCH", "VCPUS", "MEMORY", "PODS", "ON-DEMAND/H", "SPOT/H"});
  json::array rows;
  for (const cloud::InstanceType& type : catalogue.all()) {
    const auto on_demand = cloud::micro_usd_per_hour(type, cloud::Market::kOnDemand);
    const auto spot = cloud::micro_usd_per_hour(type, cloud::Market::kSpot);
    table.add({std::string(type.name), std::string(type.architecture), std::to_string(type.vcpus),
               fmt::format("{} GiB", type.memory_mib / 1024.0), std::to_string(type.max_pods), dollars(on_demand),
               dollars(spot)});
    rows.push_back(json::object{{"name", type.name}, {"architecture", type.architecture}, {"vcpus", type.vcpus},
                                {"memoryMib", type.memory_mib}, {"maxPods", type.max_pods},
                                {"onDemandMicroUsd", on_demand}, {"spotMicroUsd", spot}});
  }
  fmt::print("{}", common.json() ? json::serialize(rows) + "\n" : table.render());
}

int show_catalogue(CatalogueArguments arguments) {
  if (arguments.refresh) {
    const auto written = refresh(arguments);
    if (!written) return fail_with(written.error(), arguments.common);
    arguments.files.insert(arguments.files.end(), written->begin(), written->end());
    fmt::print(stderr, "minato: written to {}: give its files to this command to see them again\n", arguments.directory);
  }
  cloud::Catalogue catalogue;
  if (const Status status = read_into(catalogue, arguments.files, arguments.region); !status) {
    return fail_with(status.error(), arguments.common);
  }
  print_catalogue(catalogue, arguments.common);
  return kDone;
}

}  // namespace

void add_catalogue(CLI::App& cloud, int& exit_code) {
  auto arguments = std::make_shared<CatalogueArguments>();
  CLI::App* command = cloud.add_subcommand("catalogue", "Instance types with sizes and prices");
  command->add_option("FILE", arguments->files,
                      "What 'aws ec2 describe-instance-types', 'aws pricing get-products' or 'aws ec2 "
                      "describe-spot-price-history' printed: shown in place of the built-in facts");
  command->add_option("--region", arguments->region, "Of the prices");
  command->add_flag("--refresh", arguments->refresh, "Ask AWS first, by the aws command and its credentials");
  command->add_option("--directory", arguments->directory, "Where a refresh keeps what AWS said")->capture_default_str();
  add_output(*command, arguments->common);
  command->callback([arguments, &exit_code] { exit_code = show_catalogue(*arguments); });
}

}  // namespace minato::app
