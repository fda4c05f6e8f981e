// ServiceAccount tokens in volumes: what is asked for, who may read it, and when it is got anew.
#include "kubelet/test_world.h"

namespace minato::kubelet {
namespace {

class PodTokensTest : public KubeletTest {
 protected:
  PodTokensTest() {
    informers_ = std::make_unique<informer::Informers>(*client_);
    feed_ = std::make_unique<PodFeed>(
        *informers_, [this](const kube::ObjectKey& account, kube::TokenRequest request) {
          return issue(account, std::move(request));
        });
    CHECK(informers_->start().has_value(), "informers");
  }

  Result<kube::TokenRequest> issue(const kube::ObjectKey& account, kube::TokenRequest request) {
    ++asked_;
    if (refuses_) return fail(Reason::kNotFound, "no such ServiceAccount");
    last_account_ = account;
    request.status.token = fmt::format("token-{}", asked_);
    request.status.expiration_timestamp =
        time_.wall() + std::chrono::seconds(*request.spec.expiration_seconds);
    last_request_ = request;
    return request;
  }

  static kube::Pod with_token(std::int64_t seconds = 3607) {
    kube::Pod out = pod();
    out.spec.service_account_name = "robot";
    kube::Volume& volume = out.spec.volumes.emplace_back();
    volume.name = "access";
    auto& token = volume.volume_source.projected.ensure()
                      .sources.emplace_back()
                      .service_account_token.ensure();
    token.path = "token";
    token.expiration_seconds = seconds;
    return out;
  }
  std::vector<std::string> shown() { return traced("files access"); }

  int asked_ = 0;
  bool refuses_ = false;
  kube::ObjectKey last_account_;
  kube::TokenRequest last_request_;
};

TEST_F(PodTokensTest, ATokenIsBoundToItsPod) {
  start_kubelet();
  create(with_token());
  EXPECT_EQ(asked_, 1) << "all volumes and containers of a Pod share it";
  EXPECT_EQ(last_account_, (kube::ObjectKey{"default", "robot"}));
  ASSERT_TRUE(last_request_.spec.bound_object_ref);
  EXPECT_EQ(last_request_.spec.bound_object_ref->kind, "Pod");
  EXPECT_EQ(last_request_.spec.bound_object_ref->name, "web");
  EXPECT_EQ(last_request_.spec.bound_object_ref->uid, get()->metadata.uid);
  EXPECT_EQ(last_request_.spec.expiration_seconds, 3607);
}

TEST_F(PodTokensTest, ATokenIsGotAnewWhenAFifthOfItsLifeIsLeft) {
  start_kubelet();
  create(with_token());
  time_.advance(47min);
  EXPECT_EQ(asked_, 1);
  EXPECT_TRUE(shown().empty());
  time_.advance(2min);
  EXPECT_EQ(asked_, 2);
  ASSERT_EQ(shown().size(), 1u);
  EXPECT_NE(shown()[0].find("token=token-2"), std::string::npos) << shown()[0];
}

TEST_F(PodTokensTest, ALongTokenIsGotAnewEveryDay) {
  start_kubelet();
  create(with_token(10 * 24 * 3600));
  time_.advance(23h);
  EXPECT_EQ(asked_, 1);
  time_.advance(62min);
  EXPECT_EQ(asked_, 2);
}

TEST_F(PodTokensTest, ATokenThatCannotBeGotAnewStaysUntilItEnds) {
  start_kubelet();
  create(with_token());
  refuses_ = true;
  time_.advance(55min);
  EXPECT_GT(asked_, 1);
  EXPECT_TRUE(events("FailedMount").empty());
  time_.advance(10min);
  EXPECT_FALSE(events("FailedMount").empty());
  refuses_ = false;
  time_.advance(1min);
  EXPECT_FALSE(shown().empty());
}

TEST_F(PodTokensTest, NothingIsAskedForAPodThatIsGone) {
  start_kubelet();
  create(with_token());
  remove("web", 0);
  time_.advance(2h);
  EXPECT_EQ(asked_, 1);
}

TEST_F(PodTokensTest, APodWaitsForAnAccountThatGivesTokens) {
  start_kubelet();
  refuses_ = true;
  create(with_token());
  ASSERT_FALSE(events("FailedMount").empty());
  EXPECT_NE(events("FailedMount")[0].find("failed to fetch token: no such ServiceAccount"),
            std::string::npos);
  refuses_ = false;
  time_.advance(15s);
  EXPECT_TRUE(traced("start").size() > 0);
}

TEST_F(PodTokensTest, ATokenIsForWhoeverRunsTheContainers) {
  const ConfigSources sources = feed_->sources();
  const auto file = [&](const kube::Pod& of) {
    PodTokens tokens(env_, sources);
    const auto volume = build_volume({of, "", "", {}, &tokens}, of.spec.volumes[0], sources);
    CHECK(volume.has_value(), "{}", volume.error().message);
    return volume->files.at("token");
  };
  kube::Pod one = with_token();
  EXPECT_EQ(file(one).mode, 0644u);
  EXPECT_EQ(file(one).owner, -1);
  one.spec.security_context.ensure().run_as_user = 1000;
  EXPECT_EQ(file(one).mode, 0600u);
  EXPECT_EQ(file(one).owner, 1000);
  one.spec.containers.push_back(container("other"));
  one.spec.containers[1].security_context.ensure().run_as_user = 1001;
  EXPECT_EQ(file(one).mode, 0644u);
  one.spec.security_context->fs_group = 2000;
  EXPECT_EQ(file(one).mode, 0600u) << "the group's bit comes with the volume's group";
}

}  // namespace
}  // namespace minato::kubelet
