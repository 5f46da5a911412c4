#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/secret/hmac.h"

namespace pp {

/// The environment variable that holds the job's secret.
inline constexpr auto kSecretVariable = "PP_JOB_SECRET";

/// A text that the processes of one job know and others don't. It keys the
/// names and signs the values in the job's store, and ranks prove to each other
/// that they know it. Don't print it, and don't put it into an error.
class JobSecret {
 public:
  /// The job has no secret.
  JobSecret() = default;

  /// Uses the value of the environment variable. An empty value is no secret.
  /// throws  Error(Usage): the value has fewer than 16 bytes
  explicit JobSecret(std::string value);

  /// Makes a secret of 32 random bytes.
  static JobSecret random();

  bool exists() const { return !value_.empty(); }

  /// The value of the environment variable for another process of the job.
  const std::string& value() const { return value_; }

  /// Returns a code over `parts` that only a process with the secret can
  /// compute. Codes for two purposes differ, and so do those for other parts,
  /// even if their concatenation is the same.
  Mac sign(std::string_view purpose, const std::vector<std::string_view>& parts)
      const;

 private:
  std::string value_;
};

}  // namespace pp
