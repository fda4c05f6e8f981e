#include "aws_http/credentials.h"

#include <gtest/gtest.h>

#include "aws_http/fake_aws.h"
#include "env/virtual_time.h"

namespace minato::aws_http {
namespace {

class FakeMetadata final : public cloud::InstanceMetadata {
 public:
  void get(const std::string& path, Callback done) override {
    const auto found = documents.find(path);
    done(found == documents.end() ? std::nullopt : std::optional(found->second));
  }
  std::map<std::string, std::string> documents;
};

std::string sts_answer(const std::string& key, const std::string& expires) {
  return "<AssumeRoleWithWebIdentityResponse xmlns='https://sts.amazonaws.com/doc/2011-06-15/'>"
         "<AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>" + key +
         "</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>" +
         expires + "</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>";
}

class CredentialsTest : public testing::Test {
 protected:
  CredentialsTest() {
    variables_["AWS_REGION"] = "us-east-1";
    files_["/token"] = "jwt-1\n";
  }
  CredentialChain& chain() {
    if (!chain_) {
      const Variables variables = [this](std::string_view name) { return variables_[std::string(name)]; };
      const FileReader read = [this](const std::string& path) -> Result<std::string> {
        const auto found = files_.find(path);
        if (found == files_.end()) return fail(Reason::kNotFound, path + ": no such file");
        return found->second;
      };
      chain_ = std::make_unique<CredentialChain>(env::Env{time_, time_, log_, env::Rng(1)}, transport_,
                                                 Settings::read(variables).value(),
                                                 CredentialChain::Parts{variables, read, metadata_});
    }
    return *chain_;
  }
  Result<Credentials> get() {
    std::optional<Result<Credentials>> got;
    chain().get([&](Result<Credentials> answer) { got = std::move(answer); });
    time_.settle();
    if (!got) return fail(Reason::kTimeout, "never answered");
    return *got;
  }
  void use_sts() {
    variables_["AWS_WEB_IDENTITY_TOKEN_FILE"] = "/token";
    variables_["AWS_ROLE_ARN"] = "arn:aws:iam::1:role/r";
  }
  static constexpr auto kSts = "AssumeRoleWithWebIdentity";

  env::VirtualTime time_;  // Begins at 2026-01-01T00:00:00Z.
  env::NullLog log_;
  FakeTransport transport_{time_};
  std::map<std::string, std::string> variables_;
  std::map<std::string, std::string> files_;
  FakeMetadata* metadata_ = nullptr;
  std::unique_ptr<CredentialChain> chain_;
};

TEST_F(CredentialsTest, KeysOfTheEnvironmentComeFirst) {
  use_sts();
  variables_["AWS_ACCESS_KEY_ID"] = "AK";
  variables_["AWS_SECRET_ACCESS_KEY"] = "SK";
  EXPECT_EQ(get()->access_key_id, "AK");
  EXPECT_TRUE(transport_.requests.empty());
}

TEST_F(CredentialsTest, AKeyWithoutItsSecretSaysSo) {
  variables_["AWS_ACCESS_KEY_ID"] = "AK";
  EXPECT_TRUE(get().error().message.contains("AWS_SECRET_ACCESS_KEY"));
}

TEST_F(CredentialsTest, AServiceAccountsTokenBuysKeysUnsigned) {
  use_sts();
  transport_.answer(kSts, sts_answer("A1", "2026-01-01T01:00:00Z"));
  const auto got = get();
  ASSERT_TRUE(got.has_value()) << got.error().message;
  EXPECT_EQ(got->session_token, "t");
  const HttpRequest& sent = transport_.requests.at(0);
  EXPECT_EQ(FakeTransport::field(sent, "WebIdentityToken"), "jwt-1");
  EXPECT_EQ(FakeTransport::field(sent, "RoleArn"), "arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr");
  for (const auto& [name, value] : sent.headers) EXPECT_NE(name, "Authorization");
}

TEST_F(CredentialsTest, KeysAreRenewedBeforeTheyEndWithTheTokenOfThatTime) {
  use_sts();
  transport_.answer(kSts, sts_answer("A1", "2026-01-01T01:00:00Z"));
  transport_.answer(kSts, sts_answer("A2", "2026-01-01T02:00:00Z"));
  EXPECT_EQ(get()->access_key_id, "A1");
  time_.advance(54min);
  EXPECT_EQ(get()->access_key_id, "A1");
  files_["/token"] = "jwt-2";
  time_.advance(2min);
  EXPECT_EQ(get()->access_key_id, "A2");
  EXPECT_EQ(FakeTransport::field(transport_.requests.back(), "WebIdentityToken"), "jwt-2");
}

TEST_F(CredentialsTest, WhileTheyHoldARefreshThatFailsHurtsNobody) {
  use_sts();
  transport_.answer(kSts, sts_answer("A1", "2026-01-01T01:00:00Z"));
  transport_.answer(kSts, error_answer(400, "InvalidIdentityToken"));
  EXPECT_EQ(get()->access_key_id, "A1");
  time_.advance(57min);
  EXPECT_EQ(get()->access_key_id, "A1");
  time_.advance(3min);
  EXPECT_EQ(get().error().reason, Reason::kUnauthorized);
}

TEST_F(CredentialsTest, AllWhoWaitShareOneRefresh) {
  use_sts();
  transport_.answer(kSts, sts_answer("A1", "2026-01-01T01:00:00Z"));
  int got = 0;
  for (int i = 0; i < 3; ++i) chain().get([&](auto answer) { got += answer.has_value(); });
  time_.settle();
  EXPECT_EQ(got, 3);
  EXPECT_EQ(transport_.requests.size(), 1u);
}

TEST_F(CredentialsTest, RefusedKeysAreAskedForAgain) {
  use_sts();
  transport_.answer(kSts, sts_answer("A1", "2026-01-01T01:00:00Z"));
  transport_.answer(kSts, sts_answer("A2", "2026-01-01T02:00:00Z"));
  const Credentials first = *get();
  chain().refuse(first);
  EXPECT_EQ(get()->access_key_id, "A2");
  chain().refuse(first);  // Long gone.
  EXPECT_EQ(get()->access_key_id, "A2");
}

TEST_F(CredentialsTest, PodIdentityAnswersToTheTokenOfItsFile) {
  variables_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://169.254.170.23/v1/credentials";
  variables_["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = "/token";
  transport_.answer("/v1/credentials", R"({"AccessKeyId":"P1","SecretAccessKey":"s","Token":"t","Expiration":"2026-01-01T06:00:00Z"})");
  const auto got = get();
  ASSERT_TRUE(got.has_value()) << got.error().message;
  EXPECT_EQ(got->access_key_id, "P1");
  EXPECT_EQ(got->session_token, "t");
  EXPECT_EQ(transport_.requests.at(0).origin, "http://169.254.170.23");
  EXPECT_EQ(transport_.requests.at(0).headers.at(0), std::pair(std::string("Authorization"), std::string("jwt-1")));
}

TEST_F(CredentialsTest, TokensGoToNoOtherHostInTheClear) {
  variables_["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = "/token";
  variables_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://evil.example/v1/credentials";
  EXPECT_EQ(get().error().reason, Reason::kInvalid);
  variables_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://169.254.170.23.evil.example/v1";
  EXPECT_EQ(get().error().reason, Reason::kInvalid);
  EXPECT_TRUE(transport_.requests.empty());
}

TEST_F(CredentialsTest, AnInstanceHasItsRole) {
  FakeMetadata metadata;
  metadata.documents["meta-data/iam/security-credentials/"] = "node-role";
  metadata.documents["meta-data/iam/security-credentials/node-role"] =
      R"({"Code":"Success","AccessKeyId":"I1","SecretAccessKey":"s","Token":"t","Expiration":"2026-01-01T06:00:00Z"})";
  metadata_ = &metadata;
  EXPECT_EQ(get()->access_key_id, "I1");
}

TEST_F(CredentialsTest, WhereNothingNamesAnyTheMessageSaysWhatToDo) {
  const auto got = get();
  EXPECT_EQ(got.error().reason, Reason::kUnauthorized);
  EXPECT_TRUE(got.error().message.contains("service account"));
}

}  // namespace
}  // namespace minato::aws_http
