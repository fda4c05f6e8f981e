// `minato import ecs`: from an Amazon ECS task definition to minato.yaml, offline.
#include "ecs/import.h"

#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <filesystem>

#include "catalogue_choice.h"
#include "commands.h"
#include "host/files.h"
#include "kube/json.h"

namespace minato::app {
namespace json = boost::json;
namespace {

struct ImportArguments {
  Common common;
  std::string task;
  std::string service;
  std::string target_group;
  std::string file;
  std::string catalogue;
  bool overwrite = false;
};

Result<json::value> read_json(const std::string& path) {
  if (path.empty()) return json::value();
  ASSIGN_OR_RETURN(const std::string text, host::read_file(path, 8 << 20));
  auto value = kube::parse_json(text);
  if (!value) return wrap(path, value.error());
  return std::move(*value);
}

void print_import(const ecs::Import& result, const std::string& file) {
  for (const ecs::Fate fate : {ecs::Fate::kKept, ecs::Fate::kChanged, ecs::Fate::kLost}) {
    for (const ecs::Entry& entry : result.report) {
      if (entry.fate == fate)
        fmt::print("{:<8} {:<56} {}\n", to_string(fate), entry.field, entry.note);
    }
  }
  fmt::print(
      "\n{} is written. Next: say 'domain' there, then minato up {}, minato render {} -o DIR\n",
      file, file, file);
}

void print_import_json(const ecs::Import& result) {
  json::array report;
  for (const ecs::Entry& entry : result.report) {
    report.push_back(json::object{{"fate", std::string(to_string(entry.fate))},
                                  {"field", entry.field},
                                  {"note", entry.note}});
  }
  fmt::print("{}\n", json::serialize(report));
}

Status import_to(const ImportArguments& arguments) {
  ASSIGN_OR_RETURN(json::value task, read_json(arguments.task));
  ASSIGN_OR_RETURN(json::value service, read_json(arguments.service));
  ASSIGN_OR_RETURN(json::value target_group, read_json(arguments.target_group));
  if (std::filesystem::exists(arguments.file) && !arguments.overwrite) {
    return fail(Reason::kAlreadyExists,
                arguments.file + " is there already; --overwrite replaces it, -f names another");
  }
  ASSIGN_OR_RETURN(const CataloguePtr types, choose_catalogue(arguments.catalogue));
  ASSIGN_OR_RETURN(const ecs::Import result,
                   ecs::import_service({std::move(task), std::move(service), std::move(target_group)},
                                       types->catalogue));
  RETURN_IF_ERROR(host::write_file_atomic(arguments.file, result.yaml));
  if (arguments.common.json())
    print_import_json(result);
  else
    print_import(result, arguments.file);
  return {};
}

int run_import(const ImportArguments& arguments) {
  const Status status = import_to(arguments);
  return status ? kDone : fail_with(status.error(), arguments.common);
}

}  // namespace

void add_import(CLI::App& app, int& exit_code) {
  auto arguments = std::make_shared<ImportArguments>();
  CLI::App* command = app.add_subcommand("import", "minato.yaml from what runs the service today");
  command->require_subcommand(1);
  CLI::App* ecs = command->add_subcommand(
      "ecs", "From an Amazon ECS task definition; reports every field kept, changed, lost");
  add_output(*ecs, arguments->common);
  ecs->add_option("TASK", arguments->task, "What 'aws ecs describe-task-definition' prints")
      ->required();
  ecs->add_option(
      "--service", arguments->service,
      "What 'aws ecs describe-services' prints; may also have ScalableTargets and ScalingPolicies");
  ecs->add_option("--target-group", arguments->target_group,
                  "What 'aws elbv2 describe-target-groups' prints; may also have Attributes");
  arguments->file = "minato.yaml";
  ecs->add_option("-f,--file", arguments->file, "File to write")->capture_default_str();
  add_catalogue_option(*ecs, arguments->catalogue);
  ecs->add_flag("--overwrite", arguments->overwrite, "Also where the file is there already");
  ecs->callback([arguments, &exit_code] { exit_code = run_import(*arguments); });
}

}  // namespace minato::app
