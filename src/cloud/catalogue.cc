#include "cloud/catalogue.h"

#include <algorithm>
#include <array>
#include <utility>

namespace minato::cloud {
namespace {

constexpr auto kCatalogue = std::to_array<InstanceType>({
    {"c5.2xlarge", "amd64", 8, 16384, 58, 340'000, 64},
    {"c5.4xlarge", "amd64", 16, 32768, 234, 680'000, 64},
    {"c5.large", "amd64", 2, 4096, 29, 85'000, 64},
    {"c5.xlarge", "amd64", 4, 8192, 58, 170'000, 64},
    {"c5a.2xlarge", "amd64", 8, 16384, 58, 308'000, 60},
    {"c5a.4xlarge", "amd64", 16, 32768, 234, 616'000, 60},
    {"c5a.large", "amd64", 2, 4096, 29, 77'000, 60},
    {"c5a.xlarge", "amd64", 4, 8192, 58, 154'000, 60},
    {"c6a.2xlarge", "amd64", 8, 16384, 58, 306'000, 60},
    {"c6a.4xlarge", "amd64", 16, 32768, 234, 612'000, 60},
    {"c6a.large", "amd64", 2, 4096, 29, 76'500, 60},
    {"c6a.xlarge", "amd64", 4, 8192, 58, 153'000, 60},
    {"c6g.2xlarge", "arm64", 8, 16384, 58, 272'000, 53},
    {"c6g.4xlarge", "arm64", 16, 32768, 234, 544'000, 53},
    {"c6g.large", "arm64", 2, 4096, 29, 68'000, 53},
    {"c6g.xlarge", "arm64", 4, 8192, 58, 136'000, 53},
    {"c6i.2xlarge", "amd64", 8, 16384, 58, 340'000, 64},
    {"c6i.4xlarge", "amd64", 16, 32768, 234, 680'000, 64},
    {"c6i.large", "amd64", 2, 4096, 29, 85'000, 64},
    {"c6i.xlarge", "amd64", 4, 8192, 58, 170'000, 64},
    {"c7g.2xlarge", "arm64", 8, 16384, 58, 290'000, 53},
    {"c7g.4xlarge", "arm64", 16, 32768, 234, 580'000, 53},
    {"c7g.large", "arm64", 2, 4096, 29, 72'500, 53},
    {"c7g.xlarge", "arm64", 4, 8192, 58, 145'000, 53},
    {"c7i.2xlarge", "amd64", 8, 16384, 58, 357'000, 64},
    {"c7i.4xlarge", "amd64", 16, 32768, 234, 714'000, 64},
    {"c7i.large", "amd64", 2, 4096, 29, 89'250, 64},
    {"c7i.xlarge", "amd64", 4, 8192, 58, 178'500, 64},
    {"m5.2xlarge", "amd64", 8, 32768, 58, 384'000, 66},
    {"m5.4xlarge", "amd64", 16, 65536, 234, 768'000, 66},
    {"m5.large", "amd64", 2, 8192, 29, 96'000, 66},
    {"m5.xlarge", "amd64", 4, 16384, 58, 192'000, 66},
    {"m5a.2xlarge", "amd64", 8, 32768, 58, 344'000, 60},
    {"m5a.4xlarge", "amd64", 16, 65536, 234, 688'000, 60},
    {"m5a.large", "amd64", 2, 8192, 29, 86'000, 60},
    {"m5a.xlarge", "amd64", 4, 16384, 58, 172'000, 60},
    {"m5ad.2xlarge", "amd64", 8, 32768, 58, 412'000, 67},
    {"m5ad.4xlarge", "amd64", 16, 65536, 234, 824'000, 67},
    {"m5ad.large", "amd64", 2, 8192, 29, 103'000, 67},
    {"m5ad.xlarge", "amd64", 4, 16384, 58, 206'000, 67},
    {"m5d.2xlarge", "amd64", 8, 32768, 58, 452'000, 67},
    {"m5d.4xlarge", "amd64", 16, 65536, 234, 904'000, 67},
    {"m5d.large", "amd64", 2, 8192, 29, 113'000, 67},
    {"m5d.xlarge", "amd64", 4, 16384, 58, 226'000, 67},
    {"m6a.2xlarge", "amd64", 8, 32768, 58, 345'600, 60},
    {"m6a.4xlarge", "amd64", 16, 65536, 234, 691'200, 60},
    {"m6a.large", "amd64", 2, 8192, 29, 86'400, 60},
    {"m6a.xlarge", "amd64", 4, 16384, 58, 172'800, 60},
    {"m6g.2xlarge", "arm64", 8, 32768, 58, 308'000, 56},
    {"m6g.4xlarge", "arm64", 16, 65536, 234, 616'000, 56},
    {"m6g.large", "arm64", 2, 8192, 29, 77'000, 56},
    {"m6g.xlarge", "arm64", 4, 16384, 58, 154'000, 56},
    {"m6i.2xlarge", "amd64", 8, 32768, 58, 384'000, 66},
    {"m6i.4xlarge", "amd64", 16, 65536, 234, 768'000, 66},
    {"m6i.large", "amd64", 2, 8192, 29, 96'000, 66},
    {"m6i.xlarge", "amd64", 4, 16384, 58, 192'000, 66},
    {"m7a.2xlarge", "amd64", 8, 32768, 58, 463'680, 60},
    {"m7a.4xlarge", "amd64", 16, 65536, 234, 927'360, 60},
    {"m7a.large", "amd64", 2, 8192, 29, 115'920, 60},
    {"m7a.xlarge", "amd64", 4, 16384, 58, 231'840, 60},
    {"m7g.2xlarge", "arm64", 8, 32768, 58, 326'400, 56},
    {"m7g.4xlarge", "arm64", 16, 65536, 234, 652'800, 56},
    {"m7g.large", "arm64", 2, 8192, 29, 81'600, 56},
    {"m7g.xlarge", "arm64", 4, 16384, 58, 163'200, 56},
    {"m7i.2xlarge", "amd64", 8, 32768, 58, 403'200, 66},
    {"m7i.4xlarge", "amd64", 16, 65536, 234, 806'400, 66},
    {"m7i.large", "amd64", 2, 8192, 29, 100'800, 66},
    {"m7i.xlarge", "amd64", 4, 16384, 58, 201'600, 66},
    {"r5.2xlarge", "amd64", 8, 65536, 58, 504'000, 72},
    {"r5.4xlarge", "amd64", 16, 131072, 234, 1'008'000, 72},
    {"r5.large", "amd64", 2, 16384, 29, 126'000, 72},
    {"r5.xlarge", "amd64", 4, 32768, 58, 252'000, 72},
    {"r5a.2xlarge", "amd64", 8, 65536, 58, 452'000, 67},
    {"r5a.4xlarge", "amd64", 16, 131072, 234, 904'000, 67},
    {"r5a.large", "amd64", 2, 16384, 29, 113'000, 67},
    {"r5a.xlarge", "amd64", 4, 32768, 58, 226'000, 67},
    {"r6a.2xlarge", "amd64", 8, 65536, 58, 453'600, 67},
    {"r6a.4xlarge", "amd64", 16, 131072, 234, 907'200, 67},
    {"r6a.large", "amd64", 2, 16384, 29, 113'400, 67},
    {"r6a.xlarge", "amd64", 4, 32768, 58, 226'800, 67},
    {"r6g.2xlarge", "arm64", 8, 65536, 58, 403'200, 60},
    {"r6g.4xlarge", "arm64", 16, 131072, 234, 806'400, 60},
    {"r6g.large", "arm64", 2, 16384, 29, 100'800, 60},
    {"r6g.xlarge", "arm64", 4, 32768, 58, 201'600, 60},
    {"r6i.2xlarge", "amd64", 8, 65536, 58, 504'000, 72},
    {"r6i.4xlarge", "amd64", 16, 131072, 234, 1'008'000, 72},
    {"r6i.large", "amd64", 2, 16384, 29, 126'000, 72},
    {"r6i.xlarge", "amd64", 4, 32768, 58, 252'000, 72},
    {"r7g.2xlarge", "arm64", 8, 65536, 58, 428'400, 60},
    {"r7g.4xlarge", "arm64", 16, 131072, 234, 856'800, 60},
    {"r7g.large", "arm64", 2, 16384, 29, 107'100, 60},
    {"r7g.xlarge", "arm64", 4, 32768, 58, 214'200, 60},
    {"r7i.2xlarge", "amd64", 8, 65536, 58, 529'200, 72},
    {"r7i.4xlarge", "amd64", 16, 131072, 234, 1'058'400, 72},
    {"r7i.large", "amd64", 2, 16384, 29, 132'300, 72},
    {"r7i.xlarge", "amd64", 4, 32768, 58, 264'600, 72},
    {"t3.2xlarge", "amd64", 8, 32768, 58, 332'800, 70},
    {"t3.large", "amd64", 2, 8192, 35, 83'200, 70},
    {"t3.medium", "amd64", 2, 4096, 17, 41'600, 70},
    {"t3.small", "amd64", 2, 2048, 11, 20'800, 70},
    {"t3.xlarge", "amd64", 4, 16384, 58, 166'400, 70},
    {"t3a.2xlarge", "amd64", 8, 32768, 58, 300'800, 69},
    {"t3a.large", "amd64", 2, 8192, 35, 75'200, 69},
    {"t3a.medium", "amd64", 2, 4096, 17, 37'600, 69},
    {"t3a.small", "amd64", 2, 2048, 8, 18'800, 69},
    {"t3a.xlarge", "amd64", 4, 16384, 58, 150'400, 69},
    {"t4g.2xlarge", "arm64", 8, 32768, 58, 268'800, 70},
    {"t4g.large", "arm64", 2, 8192, 35, 67'200, 70},
    {"t4g.medium", "arm64", 2, 4096, 17, 33'600, 70},
    {"t4g.small", "arm64", 2, 2048, 11, 16'800, 70},
    {"t4g.xlarge", "arm64", 4, 16384, 58, 134'400, 70},
});

}  // namespace

std::span<const InstanceType> built_in_types() { return kCatalogue; }

std::int64_t micro_usd_per_hour(const InstanceType& type, Market market) {
  if (market == Market::kOnDemand) return type.on_demand_micro_usd;
  if (type.spot_micro_usd != 0) return type.spot_micro_usd;
  return type.on_demand_micro_usd * (100 - type.spot_discount_percent) / 100;
}

KubeReserved kube_reserved(const InstanceType& type) {
  // Milli-CPU kept of each of the first, second, and third and fourth cores.
  constexpr std::pair<std::int32_t, std::int64_t> kShares[] = {{1, 60}, {1, 10}, {2, 5}};
  KubeReserved out;
  out.memory_bytes = (static_cast<std::int64_t>(type.max_pods) * 11 + 255) << 20;
  std::int32_t rest = type.vcpus;
  for (const auto& [cores, milli] : kShares) {
    const std::int32_t counted = std::min(rest, cores);
    out.cpu_milli += counted * milli;
    rest -= counted;
  }
  out.cpu_milli += rest * 5 / 2;  // 2.5 of every further core.
  return out;
}

}  // namespace minato::cloud
