// `minato kubeconfig`: how kubectl and other clients reach a local world's API. Prints a file of
// its own, or adds the world to the one that kubectl reads.
#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <cstdlib>
#include <filesystem>

#include "ask.h"
#include "base/strings.h"
#include "host/files.h"
#include "kube/base64.h"
#include "local/api_endpoint.h"
#include "local/world_config.h"

namespace minato::app {
namespace {

struct KubeconfigArguments {
  Common common;
  bool merge = false;
  std::string file;
};

struct Entry {
  std::string name;  // Of cluster, user and context.
  std::string server;
  std::string authority;  // Base64 of the PEM text.
  std::string token;
  std::string namespace_;
};

Result<Entry> entry_of(const World& world) {
  ASSIGN_OR_RETURN(const local::WorldConfig config, local::load_world_config(world.state_dir));
  const auto token = host::read_file(local::admin_token_file(world.state_dir), 1'000);
  const auto authority = host::read_file(world.authority_dir() + "/ca.crt", 1 << 20);
  if (config.api_port == 0 || !token || !authority) {
    return fail(Reason::kUnavailable,
                fmt::format("{} offers no Kubernetes API (yet); start it anew with 'minato up'",
                            world.name));
  }
  return Entry{"minato-" + world.name, fmt::format("https://127.0.0.1:{}", config.api_port),
               kube::base64_encode(*authority), std::string(trim(*token)), world.name};
}

// Replaces the entry of this name in one of the file's lists, or adds one.
void set_entry(YAML::Node& config, const char* list, const std::string& name, const char* part,
               const YAML::Node& value) {
  YAML::Node entry;
  entry["name"] = name;
  entry[part] = value;
  YAML::Node entries = config[list];
  for (std::size_t i = 0; entries.IsSequence() && i < entries.size(); ++i) {
    if (entries[i]["name"].as<std::string>("") == name) {
      entries[i] = entry;
      return;
    }
  }
  if (!entries.IsSequence()) config[list] = YAML::Node(YAML::NodeType::Sequence);
  config[list].push_back(entry);
}

void add_entry(YAML::Node& config, const Entry& entry) {
  YAML::Node cluster, user, context;
  cluster["certificate-authority-data"] = entry.authority;
  cluster["server"] = entry.server;
  user["token"] = entry.token;
  context["cluster"] = entry.name;
  context["namespace"] = entry.namespace_;
  context["user"] = entry.name;
  config["apiVersion"] = "v1";
  config["kind"] = "Config";
  set_entry(config, "clusters", entry.name, "cluster", cluster);
  set_entry(config, "users", entry.name, "user", user);
  set_entry(config, "contexts", entry.name, "context", context);
  config["current-context"] = entry.name;
}

std::string default_file() {
  if (const char* list = std::getenv("KUBECONFIG"); list != nullptr && *list != '\0') {
    return split(list, ':').front();
  }
  const char* home = std::getenv("HOME");
  return std::string(home != nullptr ? home : "") + "/.kube/config";
}

// A file that cannot be read as YAML is left as it is.
Status merge(const Entry& entry, const std::string& file) {
  try {
    const auto before = host::read_file(file, 8 << 20);
    if (!before && !is(before.error(), Reason::kNotFound)) return std::unexpected(before.error());
    YAML::Node config = before ? YAML::Load(*before) : YAML::Node();
    if (config && !config.IsNull() && !config.IsMap())
      return fail(Reason::kInvalid, file + " is not a kubeconfig file");
    add_entry(config, entry);
    RETURN_IF_ERROR(
        host::make_directories(std::filesystem::path(file).parent_path().string(), 0700));
    return host::write_file_atomic(file, YAML::Dump(config) + "\n", 0600);
  } catch (const YAML::Exception& error) {
    return fail(Reason::kInvalid,
                fmt::format("{} is not a kubeconfig file: {}", file, error.what()));
  }
}

int write_kubeconfig(const KubeconfigArguments& arguments) {
  const auto world = choose_world(arguments.common.name);
  if (!world) return fail_without_world(world.error(), arguments.common);
  const auto entry = entry_of(*world);
  if (!entry) return fail_with(entry.error(), arguments.common);
  if (!arguments.merge) {
    YAML::Node config;
    add_entry(config, *entry);
    fmt::print("{}\n", YAML::Dump(config));
    return kDone;
  }
  const std::string file = arguments.file.empty() ? default_file() : arguments.file;
  if (const Status merged = merge(*entry, file); !merged)
    return fail_with(merged.error(), arguments.common);
  fmt::print("context {} is in {} and current; try: kubectl get pods\n", entry->name, file);
  return kDone;
}

}  // namespace

void add_kubeconfig(CLI::App& app, int& exit_code) {
  auto arguments = std::make_shared<KubeconfigArguments>();
  CLI::App* command = app.add_subcommand(
      "kubeconfig",
      "How kubectl reaches the service's cluster: print a kubeconfig, or add to yours");
  add_name(*command, arguments->common);
  CLI::Option* merge = command->add_flag(
      "--merge", arguments->merge, "Add it to the file that kubectl reads and make it current");
  command
      ->add_option("--file", arguments->file,
                   "Which file (default: $KUBECONFIG, else ~/.kube/config)")
      ->needs(merge);
  command->callback([arguments, &exit_code] { exit_code = write_kubeconfig(*arguments); });
}

}  // namespace minato::app
