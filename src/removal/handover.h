// Asks for removals on the Node itself, for whoever holds the role to carry out: the agents' way on
// clusters where the controller runs elsewhere and has the only access to the cloud.
//
// A request is the removal's record (record.h) on the Node, which the active Remover adopts when it
// sees it, in a moment or after the next one has taken the role over; nothing else is done here. What
// stands on the Node already is joined as Remover::begin joins it.
//
// Owned by the composition; what it refers to outlives it. Loop thread only. Errors: those of
// Removals; of the write, after which the caller asks again. A Node that changed meanwhile is read
// anew once.
#pragma once

#include "env/env.h"
#include "informer/informer.h"
#include "kube/types/node.h"
#include "removal/record.h"

namespace minato::removal {

class Handover final : public Removals {
 public:
  Handover(env::Env env, kube::Client& client, informer::Informers& informers);

  Status begin(Request request) override;
  Status cancel(const std::string& node) override;
  std::vector<Progress> progress() const override;

 private:
  using Change = std::function<Status(std::optional<Record>& record)>;
  Status write(const std::string& node, const Change& change);

  env::Env env_;
  kube::Client& client_;
  informer::Informer<kube::Node>& nodes_;
};

}  // namespace minato::removal
