#include "runtime/launch/secret_check.h"

#include <gtest/gtest.h>

#include <torch/csrc/distributed/c10d/HashStore.hpp>

namespace pp {
namespace {

using Result = SecretCheck::Result;

const JobSecret kNone;
const JobSecret kOne("what this job's processes know");
const JobSecret kOther("what another job's processes know");

struct Case {
  JobSecret of_job;
  JobSecret own;
  Result result;
  std::string difference;
};

TEST(SecretCheck, TellsHowTheSecretsDiffer) {
  const std::vector<Case> cases = {
      {kNone, kNone, Result::Same, ""},
      {kOne, kOne, Result::Same, ""},
      {kOne,
       kOther,
       Result::JobHasAnother,
       " has another PP_JOB_SECRET than the job at head:1"},
      {kOne,
       kNone,
       Result::JobHasAnother,
       " has no PP_JOB_SECRET, but the job at head:1 has one"},
      {kNone,
       kOne,
       Result::JobHasNone,
       " has a PP_JOB_SECRET, but the job at head:1 has none"},
  };
  for (const Case& one : cases) {
    const auto served = c10::make_intrusive<c10d::HashStore>();
    SecretCheck(served, one.of_job, "root").publish();
    SecretCheck own(served, one.own, "root");
    EXPECT_EQ(own.compare(), one.result);
    const auto shared = c10::make_intrusive<c10d::HashStore>();
    EXPECT_EQ(
        SecretCheck(shared, one.of_job, "root").publish_or_compare(),
        Result::Same);
    SecretCheck second(shared, one.own, "root");
    EXPECT_EQ(second.publish_or_compare(), one.result);
    if (one.result != Result::Same) {
      EXPECT_EQ(second.difference(one.result, "head:1"), one.difference);
    }
  }
}

TEST(SecretCheck, TheMarkDoesNotHoldTheSecret) {
  const auto store = c10::make_intrusive<c10d::HashStore>();
  SecretCheck check(store, kOne, "root");
  EXPECT_FALSE(check.is_published());
  check.publish();
  EXPECT_TRUE(check.is_published());
  const std::string mark = store->get_to_str("secret");
  EXPECT_EQ(mark.size(), 64u);
  EXPECT_EQ(mark.find(kOne.value()), std::string::npos);
}

TEST(SecretCheck, NotesWhoWasRefused) {
  const auto store = c10::make_intrusive<c10d::HashStore>();
  SecretCheck check(store, kOther, "root");
  check.note_refused(1);
  SecretCheck rank_0(store, kOne, "root");
  EXPECT_TRUE(rank_0.was_refused(1));
  EXPECT_FALSE(rank_0.was_refused(0));
}

}  // namespace
}  // namespace pp
