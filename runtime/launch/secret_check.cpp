#include "runtime/launch/secret_check.h"

#include <utility>

#include <torch/csrc/distributed/c10d/Store.hpp>

namespace pp {
namespace {

constexpr auto kMarkKey = "secret";
constexpr auto kNoSecret = "none";

std::string refused_key(int rank) {
  return "refused/" + std::to_string(rank);
}

}  // namespace

SecretCheck::SecretCheck(
    c10::intrusive_ptr<c10d::Store> open,
    const JobSecret& secret,
    const std::string& root)
    : open_(std::move(open)),
      own_mark_(
          secret.exists() ? to_hex(secret.sign("mark", {root})) : kNoSecret) {}

void SecretCheck::publish() {
  open_->set(kMarkKey, own_mark_);
}

bool SecretCheck::is_published() {
  return open_->check({kMarkKey});
}

SecretCheck::Result SecretCheck::compare() {
  return result_for(open_->get_to_str(kMarkKey));
}

SecretCheck::Result SecretCheck::publish_or_compare() {
  return result_for(open_->compareSet(kMarkKey, std::string(), own_mark_));
}

SecretCheck::Result SecretCheck::result_for(const std::string& mark) const {
  if (mark == own_mark_) {
    return Result::Same;
  }
  return mark == kNoSecret ? Result::JobHasNone : Result::JobHasAnother;
}

std::string SecretCheck::difference(
    Result result, const std::string& address) const {
  const std::string job = "the job at " + address;
  if (own_mark_ == kNoSecret) {
    return " has no PP_JOB_SECRET, but " + job + " has one";
  }
  return result == Result::JobHasNone
             ? " has a PP_JOB_SECRET, but " + job + " has none"
             : " has another PP_JOB_SECRET than " + job;
}

void SecretCheck::note_refused(int rank) {
  open_->set(refused_key(rank), std::string("1"));
}

bool SecretCheck::was_refused(int rank) {
  return open_->check({refused_key(rank)});
}

}  // namespace pp
