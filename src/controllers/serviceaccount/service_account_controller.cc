#include "controllers/serviceaccount/service_account_controller.h"

#include "controllers/common/conditions.h"

namespace minato::controllers {
namespace {

constexpr std::string_view kDefaultAccount = "default";

}  // namespace

ServiceAccountController::ServiceAccountController(env::Env env, kube::Client& client,
                                                   informer::Informers& informers)
    : client_(client),
      namespaces_(informers.of<kube::Namespace>()),
      accounts_(informers.of<kube::ServiceAccount>()),
      runner_(env.fork("serviceaccount-controller"), *this) {
  namespaces_.on_change([this](const informer::Delta<kube::Namespace>& delta) {
    if (delta.after) runner_.queue().add(delta.after->key());
  });
  accounts_.on_change([this](const informer::Delta<kube::ServiceAccount>& delta) {
    if (!delta.after) runner_.queue().add({"", delta.before->metadata.namespace_});
  });
}

Result<informer::Requeue> ServiceAccountController::reconcile(const kube::ObjectKey& key) {
  const auto namespace_ = namespaces_.get(key);
  if (!namespace_ || is_deleting(namespace_->metadata)) return informer::Requeue::done();
  if (accounts_.get({key.name, std::string(kDefaultAccount)})) return informer::Requeue::done();
  kube::ServiceAccount account;
  account.metadata.namespace_ = key.name;
  account.metadata.name = kDefaultAccount;
  const auto created = kube::create(client_, std::move(account));
  if (!created && !is(created.error(), Reason::kAlreadyExists)) {
    return std::unexpected(created.error());
  }
  return informer::Requeue::done();
}

}  // namespace minato::controllers
