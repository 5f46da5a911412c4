#include "runtime/rank/failure.h"

#include <gtest/gtest.h>

#include <ATen/ops/add.h>
#include <ATen/ops/zeros.h>

#include "runtime/rank/first_cause.h"

namespace pp {
namespace {

Cause example() {
  Cause cause;
  cause.rank = 1;
  cause.host = "host-a";
  cause.stage = 1;
  cause.microbatch = 3;
  cause.action = "1F3";
  cause.kind = ErrorKind::Input;
  cause.interrupted = true;
  cause.message = "weights \"a\" have \xff in them";
  return cause;
}

template <class T>
Cause cause_when_thrown(const T& error) {
  return cause_of(std::make_exception_ptr(error), 2);
}

TEST(CauseText, SaysWhereThenWhat) {
  Cause cause = example();
  cause.message = "it broke";
  EXPECT_EQ(
      to_string(cause),
      "rank 1 (host-a), stage 1, microbatch 3, 1F3: it broke");
  cause.stage = -1;
  cause.microbatch = -1;
  cause.action = "";
  EXPECT_EQ(to_string(cause), "rank 1 (host-a): it broke");
  cause.host = "";
  EXPECT_EQ(to_string(cause), "rank 1: it broke");
  cause.rank = -1;
  EXPECT_EQ(to_string(cause), "it broke");
}

TEST(CauseText, JsonHoldsAllOfIt) {
  const Cause back = cause_from_json(to_json(example()));
  EXPECT_EQ(back.rank, 1);
  EXPECT_EQ(back.host, "host-a");
  EXPECT_EQ(back.stage, 1);
  EXPECT_EQ(back.microbatch, 3);
  EXPECT_EQ(back.action, "1F3");
  EXPECT_EQ(back.kind, ErrorKind::Input);
  EXPECT_TRUE(back.interrupted);
  EXPECT_EQ(back.message.find("weights \"a\" have "), 0u);
}

TEST(CauseText, DamagedJsonIsRefused) {
  for (const char* text : {"", "{", "[]", "{\"rank\": \"one\"}", "7"}) {
    EXPECT_THROW(cause_from_json(text), Error) << text;
  }
}

TEST(CauseOf, KeepsThePlaceAndTheKind) {
  const Cause cause = cause_when_thrown(
      ActionFailed(ErrorKind::Usage, 4, 5, "4B5", "too\nwide\n"));
  EXPECT_EQ(cause.rank, 2);
  EXPECT_EQ(cause.host, host_name());
  EXPECT_EQ(cause.stage, 4);
  EXPECT_EQ(cause.microbatch, 5);
  EXPECT_EQ(cause.action, "4B5");
  EXPECT_EQ(cause.kind, ErrorKind::Usage);
  EXPECT_EQ(cause.message, "too wide");
}

TEST(CauseOf, AFailedJobsIsItsOwn) {
  EXPECT_EQ(cause_when_thrown(JobFailed(example())).rank, 1);
}

TEST(CauseOf, OtherErrorsBecomeOneLine) {
  EXPECT_EQ(cause_when_thrown(std::bad_alloc()).message, "out of memory");
  EXPECT_EQ(cause_when_thrown(input_error("x")).kind, ErrorKind::Input);
  EXPECT_EQ(cause_when_thrown(7).message, "an error of unknown type");
  try {
    at::add(at::zeros({2}), at::zeros({3}));
    FAIL() << "no error";
  } catch (...) {
    const Cause cause = cause_of(std::current_exception(), 0);
    EXPECT_EQ(cause.message.find("The size of tensor a (2)"), 0u);
    EXPECT_EQ(cause.message.find('\n'), std::string::npos);
    EXPECT_EQ(cause.message.find("frame #"), std::string::npos);
  }
}

TEST(FirstCauseOfSeveral, Stays) {
  FirstCause first;
  EXPECT_NO_THROW(first.check());
  EXPECT_FALSE(first.wait_for(std::chrono::milliseconds(1)));
  Cause later = example();
  later.rank = 7;
  EXPECT_EQ(first.set(example()).rank, 1);
  EXPECT_EQ(first.set(later).rank, 1);
  EXPECT_TRUE(first.wait_for(std::chrono::milliseconds(1)));
  EXPECT_THROW(first.check(), JobFailed);
}

}  // namespace
}  // namespace pp
