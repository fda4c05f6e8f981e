// `minato cloud catalogue`: instance types with sizes and prices, which of them are in force, and how
// to have today's from AWS.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>

#include <boost/json/serialize.hpp>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>

#include "base/strings.h"
#include "base/time.h"
#include "catalogue_choice.h"
#include "commands.h"
#include "host/files.h"
#include "host/process.h"
#include "table.h"
#include "world.h"

namespace minato::app {
namespace json = boost::json;
namespace {

constexpr std::size_t kMaxCatalogueBytes = 256 << 20;

struct CatalogueArguments {
  Common common;
  std::vector<std::string> files;
  std::string region;
  bool refresh = false;
  bool keep = false;
  std::string directory;
};

// One call of the aws command, and the file that keeps what it prints.
struct Query {
  std::string file;
  std::vector<std::string> argv;
};

std::vector<Query> queries(const std::string& region, const std::string& now) {
  const auto equals = [](const std::string& field, const std::string& value) {
    return fmt::format("Type=TERM_MATCH,Field={},Value={}", field, value);
  };
  return {
      {"instance-types.json",
       {"aws", "ec2", "describe-instance-types", "--region", region, "--output", "json"}},
      {"prices.json",
       // The price list is served from a few regions only, for all of them.
       {"aws", "pricing", "get-products", "--region", "us-east-1", "--output", "json", "--service-code", "AmazonEC2",
        "--filters", equals("regionCode", region), equals("operatingSystem", "Linux"), equals("tenancy", "Shared"),
        equals("preInstalledSw", "NA"), equals("capacitystatus", "Used")}},
      {"spot-prices.json",
       // From now on: of each pool the price that holds.
       {"aws", "ec2", "describe-spot-price-history", "--region", region, "--output", "json", "--product-descriptions",
        "Linux/UNIX", "--start-time", now}}};
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
Result<std::vector<std::string>> ask_aws(const CatalogueArguments& arguments, const std::string& now) {
  if (arguments.region.empty()) return fail(Reason::kInvalid, "--refresh needs --region: prices are a region's");
  const std::string directory = arguments.directory.empty() ? data_dir() + "/aws" : arguments.directory;
  RETURN_IF_ERROR(host::make_directories(directory, 0755));
  std::vector<std::string> out;
  for (const Query& query : queries(arguments.region, now)) {
    const auto path = std::filesystem::path(directory) / query.file;
    RETURN_IF_ERROR(run_into(query, path));
    out.push_back(path.string());
  }
  return out;
}

// One list of what the files say together; a type whose size none of them says, and that is not
// built in, is left out.
Result<std::vector<cloud::InstanceTypeRecord>> read_files(const std::vector<std::string>& files, const std::string& region) {
  std::map<std::string, cloud::InstanceTypeRecord> merged;
  for (const std::string& file : files) {
    ASSIGN_OR_RETURN(const std::string content, host::read_file(file, kMaxCatalogueBytes));
    const auto records = cloud::read_catalogue(content, region);
    if (!records) return wrap(file, records.error());
    for (const cloud::InstanceTypeRecord& record : *records) cloud::update(merged[record.name], record);
  }
  std::vector<cloud::InstanceTypeRecord> all;
  for (auto& [name, record] : merged) all.push_back(std::move(record));
  cloud::Catalogue known;
  const std::vector<std::string> left_out = known.merge(all);
  if (!left_out.empty()) {
    fmt::print(stderr, "minato: {} types left out, since no file says their size\n", left_out.size());
    std::erase_if(all, [&](const auto& record) { return known.find(record.name) == nullptr; });
  }
  return all;
}

// What was asked for: of AWS, of files, or what is in force.
Result<CataloguePtr> find_catalogue(CatalogueArguments arguments) {
  const WallTime now{std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch())};
  const std::string at = format_rfc3339(now);
  if (arguments.refresh) {
    ASSIGN_OR_RETURN(const auto written, ask_aws(arguments, at));
    arguments.files.insert(arguments.files.end(), written.begin(), written.end());
  }
  if (arguments.files.empty()) return choose_catalogue("");
  auto out = std::make_unique<CatalogueChoice>();
  ASSIGN_OR_RETURN(out->kept.types, read_files(arguments.files, arguments.region));
  out->kept.region = arguments.region;
  out->kept.at = at;
  out->source = join(arguments.files, ", ");
  (void)out->catalogue.merge(out->kept.types);
  if (arguments.refresh || arguments.keep) {
    out->source = kept_catalogue_file();
    RETURN_IF_ERROR(host::make_directories(data_dir(), 0755));
    RETURN_IF_ERROR(host::write_file_atomic(out->source, cloud::to_json(out->kept), 0644));
    fmt::print(stderr, "minato: kept in {}: from now on every command goes by it; worlds that are up keep theirs\n", out->source);
  }
  return out;
}

void print_catalogue(const CatalogueChoice& choice, const Common& common) {
  Table table({"TYPE", "ARCH", "VCPUS", "MEMORY", "PODS", "ON-DEMAND/H", "SPOT/H"});
  json::array rows;
  for (const cloud::InstanceType& type : choice.catalogue.all()) {
    const auto on_demand = cloud::micro_usd_per_hour(type, cloud::Market::kOnDemand);
    const auto spot = cloud::micro_usd_per_hour(type, cloud::Market::kSpot);
    table.add({std::string(type.name), std::string(type.architecture), std::to_string(type.vcpus),
               fmt::format("{} GiB", type.memory_mib / 1024.0), std::to_string(type.max_pods), dollars(on_demand),
               dollars(spot)});
    rows.push_back(json::object{{"name", type.name}, {"architecture", type.architecture}, {"vcpus", type.vcpus},
                                {"memoryMib", type.memory_mib}, {"maxPods", type.max_pods},
                                {"onDemandMicroUsd", on_demand}, {"spotMicroUsd", spot}});
  }
  if (common.json()) {
    const json::object out{{"source", choice.source}, {"region", choice.kept.region}, {"at", choice.kept.at}, {"types", std::move(rows)}};
    fmt::print("{}\n", json::serialize(out));
    return;
  }
  fmt::print("{}\n{}, {}\n", table.render(), choice.source, choice.as_of());
}

int show_catalogue(const CatalogueArguments& arguments) {
  const auto found = find_catalogue(arguments);
  if (!found) return fail_with(found.error(), arguments.common);
  print_catalogue(**found, arguments.common);
  return kDone;
}

}  // namespace

void add_catalogue(CLI::App& cloud, int& exit_code) {
  auto arguments = std::make_shared<CatalogueArguments>();
  CLI::App* command = cloud.add_subcommand("catalogue", "Instance types with sizes and prices: those in force, and how old they are");
  command->add_option("FILE", arguments->files,
                      "What 'aws ec2 describe-instance-types', 'aws pricing get-products' or 'aws ec2 "
                      "describe-spot-price-history' printed: shown in place of the built-in facts");
  command->add_option("--region", arguments->region, "Of the prices");
  command->add_flag("--refresh", arguments->refresh, "Ask AWS, by the aws command and its credentials, and go by that from now on");
  command->add_flag("--keep", arguments->keep, "Go by the FILEs from now on");
  command->add_option("--directory", arguments->directory, "Where a refresh leaves what AWS said word for word (default: " + data_dir() + "/aws)");
  add_output(*command, arguments->common);
  command->callback([arguments, &exit_code] { exit_code = show_catalogue(*arguments); });
}

}  // namespace minato::app
