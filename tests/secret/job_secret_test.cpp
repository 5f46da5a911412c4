#include "runtime/secret/job_secret.h"

#include <gtest/gtest.h>

#include "loader/core/error.h"

namespace pp {
namespace {

TEST(JobSecret, AnEmptyValueIsNoSecret) {
  EXPECT_FALSE(JobSecret().exists());
  EXPECT_FALSE(JobSecret("").exists());
}

TEST(JobSecret, AShortOneIsRefusedAndNotPrinted) {
  const std::string value = "0123456789abcde";
  try {
    const JobSecret secret(value);
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Usage);
    EXPECT_STREQ(
        error.what(),
        "the environment variable PP_JOB_SECRET has 15 bytes; it must have at "
        "least 16, such as the output of: openssl rand -hex 32");
  }
  EXPECT_TRUE(JobSecret(value + "f").exists());
}

TEST(JobSecret, ARandomOneIsTextThatNoOtherJobHas) {
  const JobSecret secret = JobSecret::random();
  EXPECT_EQ(secret.value().size(), 64u);
  EXPECT_EQ(
      secret.value().find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_NE(secret.value(), JobSecret::random().value());
}

TEST(JobSecret, CodesDependOnSecretPurposeAndTheBordersOfParts) {
  const JobSecret secret("one secret of a job");
  const Mac code = secret.sign("names", {"ab", "c"});
  EXPECT_EQ(code, JobSecret("one secret of a job").sign("names", {"ab", "c"}));
  EXPECT_NE(code, JobSecret("two secrets of jobs").sign("names", {"ab", "c"}));
  EXPECT_NE(code, secret.sign("values", {"ab", "c"}));
  EXPECT_NE(code, secret.sign("names", {"a", "bc"}));
  EXPECT_NE(code, secret.sign("names", {"ab", "c", ""}));
  EXPECT_NE(code, secret.sign("namesab", {"c"}));
}

}  // namespace
}  // namespace pp
