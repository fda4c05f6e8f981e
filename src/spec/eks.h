// What the file says of EKS alone (`eks:`) and of the rules it knowingly breaks (`waivers:`).
//
// Nothing here has a meaning on this machine or in virtual time; `render` and `lint` read it.
// Values; pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace minato::spec {

class Reader;

struct Vpc {
  std::string id;                            // An existing one; "": a new one is made.
  std::string cidr = "10.0.0.0/16";          // Of a new one.
  std::vector<std::string> public_subnets;   // Of an existing one, one per zone.
  std::vector<std::string> private_subnets;  // Of an existing one, one per zone.
  bool nat_per_zone = true;  // Of a new one; false: one NAT gateway, and one zone to lose it with.
};

struct Eks {
  enum class Secrets { kExternalSecrets, kCsi, kPlain };
  enum class NodeImage { kAmazonLinux2023, kBottlerocket };
  enum class Identity { kPodIdentity, kIrsa };
  // What the load balancer asks: kube-proxy whether the node stays, or the service through the node.
  enum class TargetHealth { kNode, kService };

  std::string version = "1.35";
  std::string image;  // As the cluster pulls it; "": `image`, which then must be a registry's.
  // Of minato, whose own controller and agent then do the work of cluster-autoscaler and the
  // termination handler; "": those do.
  std::string controller_image;
  Vpc vpc;
  NodeImage node_image = NodeImage::kAmazonLinux2023;
  bool split_groups = false;  // On demand and spot in two groups instead of one mixed one.
  TargetHealth target_health = TargetHealth::kNode;
  Identity identity = Identity::kPodIdentity;
  std::string account;  // Twelve digits; "": as in the image's or any other address of the file.
  std::vector<std::string> admins;      // ARNs of IAM principals; none: whoever applies.
  std::vector<std::string> api_access;  // CIDR blocks that reach the API; none: the VPC only.
  std::string hosted_zone;              // Of Route 53; default: the domain without its first label.
  std::string certificate;  // ARN of an existing one; "": one is requested and validated by DNS.
  Secrets secrets = Secrets::kExternalSecrets;
  std::vector<std::string> policies;  // ARNs of the IAM policies that the service's Pods get.
  std::int32_t log_retention_days = 30;
  bool prometheus = false;  // Rules for an operator of Prometheus that the cluster has already.
  bool protect = true;  // Against destroying cluster and load balancer by mistake.
};

// A rule of lint that this service breaks on purpose.
struct Waiver {
  std::string rule;
  std::string reason;
};

void read_eks(Reader& in, Eks& eks);
void read_waivers(Reader& in, std::vector<Waiver>& waivers);

}  // namespace minato::spec
