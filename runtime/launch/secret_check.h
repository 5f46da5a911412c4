#pragma once

#include <string>

#include <c10/util/intrusive_ptr.h>

#include "runtime/secret/job_secret.h"

namespace c10d {
class Store;
}

namespace pp {

/// The keys in the job's store that every process can read and write. Through
/// them a process finds out at once that its secret isn't the job's, and tells
/// the ranks that wait for it. What they say decides nothing else: a process
/// with the wrong secret finds none of the job's other keys.
///
/// keys  secret     mark of the job's secret
///       refused/R  set once a process that came as rank R had another secret
class SecretCheck {
 public:
  /// open  the store, prefixed for the attempt of the job
  /// root  that prefix
  SecretCheck(
      c10::intrusive_ptr<c10d::Store> open,
      const JobSecret& secret,
      const std::string& root);

  enum class Result { Same, JobHasNone, JobHasAnother };

  /// Publishes the mark of this process's secret, on the rank that begins the
  /// job.
  void publish();
  /// Whether the job has published its mark.
  bool is_published();
  /// Compares this process's secret with that of the job, which has published
  /// its mark.
  Result compare();
  /// Does the same if no rank is known to begin the job: the first that comes
  /// publishes its mark.
  Result publish_or_compare();

  /// Returns how the secrets differ: " has another PP_JOB_SECRET than the job
  /// at head:29500".
  std::string difference(Result result, const std::string& address) const;

  void note_refused(int rank);
  bool was_refused(int rank);

 private:
  Result result_for(const std::string& mark) const;

  c10::intrusive_ptr<c10d::Store> open_;
  std::string own_mark_;
};

}  // namespace pp
