#include "spec/eks.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/strings.h"
#include "spec/reader.h"
#include "spec/units.h"

namespace minato::spec {
namespace {

// What CloudWatch Logs accepts (PutRetentionPolicy, retentionInDays).
constexpr auto kRetentionDays =
    std::to_array<std::int32_t>({1,   3,   5,   7,   14,   30,   60,   90,   120,  150,  180,
                                 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653});

void each_begins(Reader& in, const std::string& key, const std::vector<std::string>& values,
                 std::string_view prefix) {
  for (const std::string& value : values) {
    if (value.starts_with(prefix)) continue;
    in.problem(key, fmt::format("'eks.{}': '{}' must begin with {}", key, value, prefix));
  }
}

void read_vpc(Reader& in, Vpc& vpc) {
  in.object("vpc", [&](Reader& r) {
    r.text("id", vpc.id);
    r.text("cidr", vpc.cidr);
    r.texts("public_subnets", vpc.public_subnets);
    r.texts("private_subnets", vpc.private_subnets);
    r.scalar("nat", [&](const std::string& text) -> Status {
      if (text != "one" && text != "per_zone") {
        return fail(Reason::kInvalid, fmt::format("'{}' is neither one nor per_zone", text));
      }
      vpc.nat_per_zone = text == "per_zone";
      return {};
    });
    if (!is_cidr(vpc.cidr))
      r.problem("cidr",
                fmt::format("'eks.vpc.cidr': '{}' is no block such as 10.0.0.0/16", vpc.cidr));
    if (vpc.id.empty() && (!vpc.public_subnets.empty() || !vpc.private_subnets.empty())) {
      r.problem("public_subnets",
                "'eks.vpc': subnets without 'id'; a new VPC makes its own subnets");
    }
  });
}

template <class T>
using Choices = std::vector<std::pair<std::string, T>>;

template <class T>
void choice(Reader& in, const std::string& key, const Choices<T>& choices, T& out) {
  in.scalar(key, [&](const std::string& text) -> Status {
    std::vector<std::string> names;
    for (const auto& [name, value] : choices) {
      names.push_back(name);
      if (name != text) continue;
      out = value;
      return {};
    }
    return fail(Reason::kInvalid, fmt::format("'{}' is none of {}", text, join(names, ", ")));
  });
}

void read_account(Reader& in, std::string& account) {
  in.scalar("account", [&](const std::string& text) -> Status {
    if (text.size() != 12 || text.find_first_not_of("0123456789") != std::string::npos) {
      return fail(Reason::kInvalid,
                  fmt::format("'{}' is no account: twelve digits, in quotes", text));
    }
    account = text;
    return {};
  });
}

void read_version(Reader& in, std::string& version) {
  in.scalar("version", [&](const std::string& text) -> Status {
    const auto minor = text.starts_with("1.") ? parse_int(text.substr(2)) : parse_int("");
    if (!minor || *minor < 20 || *minor > 99) {
      return fail(Reason::kInvalid,
                  fmt::format("'{}' is not a version of Kubernetes, for example \"1.35\"", text));
    }
    version = text;
    return {};
  });
}

// Who may do what: people and the service itself.
void read_access(Reader& in, Eks& eks) {
  in.texts("admins", eks.admins);
  each_begins(in, "admins", eks.admins, "arn:");
  in.texts("policies", eks.policies);
  each_begins(in, "policies", eks.policies, "arn:");
  in.texts("api_access", eks.api_access);
  for (const std::string& block : eks.api_access) {
    if (!is_cidr(block))
      in.problem("api_access",
                 fmt::format("'eks.api_access': '{}' is no block such as 203.0.113.0/24", block));
  }
  read_account(in, eks.account);
}

void read_choices(Reader& in, Eks& eks) {
  choice(in, "secrets",
         {{"external-secrets", Eks::Secrets::kExternalSecrets},
          {"csi", Eks::Secrets::kCsi},
          {"plain", Eks::Secrets::kPlain}},
         eks.secrets);
  choice(in, "node_image",
         {{"al2023", Eks::NodeImage::kAmazonLinux2023},
          {"bottlerocket", Eks::NodeImage::kBottlerocket}},
         eks.node_image);
  choice(in, "identity",
         {{"pod-identity", Eks::Identity::kPodIdentity}, {"irsa", Eks::Identity::kIrsa}},
         eks.identity);
  choice(in, "target_health",
         {{"node", Eks::TargetHealth::kNode}, {"service", Eks::TargetHealth::kService}},
         eks.target_health);
  in.boolean("split_groups", eks.split_groups);
  in.boolean("prometheus", eks.prometheus);
  in.boolean("protect", eks.protect);
}

void read_retention(Reader& in, std::int32_t& days) {
  in.integer("log_retention_days", days, 1, 3653);
  if (std::ranges::find(kRetentionDays, days) != kRetentionDays.end()) return;
  in.problem(
      "log_retention_days",
      fmt::format("'eks.log_retention_days': CloudWatch has no {} days; it knows 1, 3, 5, 7, "
                  "14, 30, 60, 90, …",
                  days));
}

}  // namespace

void read_eks(Reader& in, Eks& eks) {
  in.object("eks", [&](Reader& r) {
    read_version(r, eks.version);
    r.text("image", eks.image);
    r.text("controller_image", eks.controller_image);
    read_vpc(r, eks.vpc);
    read_access(r, eks);
    r.text("hosted_zone", eks.hosted_zone);
    r.text("certificate", eks.certificate);
    if (!eks.certificate.empty()) each_begins(r, "certificate", {eks.certificate}, "arn:");
    read_choices(r, eks);
    read_retention(r, eks.log_retention_days);
  });
}

void read_waivers(Reader& in, std::vector<Waiver>& waivers) {
  in.objects("waivers", [&](Reader& r) {
    Waiver waiver;
    r.text("rule", waiver.rule);
    r.text("reason", waiver.reason);
    if (waiver.rule.empty() || waiver.reason.empty()) {
      r.problem("rule", "'waivers': each needs 'rule' (an id that lint prints) and 'reason'");
    }
    waivers.push_back(std::move(waiver));
  });
}

}  // namespace minato::spec
