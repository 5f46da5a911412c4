#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include <torch/csrc/distributed/c10d/Store.hpp>

#include "runtime/secret/job_secret.h"

namespace pp {

/// A view of a store that only processes with the job's secret can use. A key
/// is stored as "pp/HEX", which is derived from the secret, and a value with a
/// code over key and value.
///
///   value = code (32 bytes), salt (8 bytes), content
///
/// It can't hide that a key exists, and can't prevent that another process
/// deletes a key or puts back an earlier value of the same key.
///
/// Each method does what c10d's own stores do, except that
///   - a value that wasn't signed for its key is an Error(Runtime) that names
///     the key. compareSet() and add() throw it too
///   - a key is for add() and append() or for compareSet(): the former write a
///     salt, so compareSet() doesn't find the value equal to another
///   - queues and lists of keys aren't supported
class SignedStore : public c10d::Store {
 public:
  /// secret  must exist
  /// prefix  distinguishes the keys of this view; not part of error messages
  SignedStore(
      c10::intrusive_ptr<c10d::Store> store,
      JobSecret secret,
      std::string prefix);

  c10::intrusive_ptr<c10d::Store> clone() override;

  using Store::set;
  void set(const std::string& key, const std::vector<uint8_t>& value) override;
  using Store::compareSet;
  std::vector<uint8_t> compareSet(
      const std::string& key,
      const std::vector<uint8_t>& expected,
      const std::vector<uint8_t>& desired) override;
  std::vector<uint8_t> get(const std::string& key) override;
  int64_t add(const std::string& key, int64_t value) override;
  void append(
      const std::string& key, const std::vector<uint8_t>& value) override;
  bool deleteKey(const std::string& key) override;
  bool check(const std::vector<std::string>& keys) override;
  int64_t getNumKeys() override;
  void wait(const std::vector<std::string>& keys) override;
  void wait(
      const std::vector<std::string>& keys,
      const std::chrono::milliseconds& timeout) override;
  const std::chrono::milliseconds& getTimeout() const noexcept override;
  void setTimeout(const std::chrono::milliseconds& timeout) override;
  std::vector<std::vector<uint8_t>> multiGet(
      const std::vector<std::string>& keys) override;
  void multiSet(
      const std::vector<std::string>& keys,
      const std::vector<std::vector<uint8_t>>& values) override;
  bool hasExtendedApi() const override;

 private:
  using Bytes = std::vector<uint8_t>;

  std::string name(const std::string& key) const;
  std::vector<std::string> names(const std::vector<std::string>& keys) const;
  Mac code(
      const std::string& key,
      std::span<const uint8_t> salt,
      std::span<const uint8_t> content) const;
  Bytes seal(
      const std::string& key, const Bytes& content, const Bytes& salt) const;
  Bytes open(const std::string& key, const Bytes& sealed) const;
  Bytes update(
      const std::string& key,
      const std::function<Bytes(const Bytes& before)>& change);

  const c10::intrusive_ptr<c10d::Store> store_;
  const JobSecret secret_;
  const std::string prefix_;
};

}  // namespace pp
