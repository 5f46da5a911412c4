#include "runtime/secret/signed_store.h"

#include <charconv>
#include <string_view>
#include <utility>

#include "loader/core/error.h"
#include "runtime/secret/random_bytes.h"

namespace pp {
namespace {

constexpr size_t kMacBytes = Mac{}.size();
constexpr size_t kSaltBytes = 8;

std::string_view text_view(std::span<const uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The salt of values that compareSet() compares.
std::vector<uint8_t> no_salt() {
  return std::vector<uint8_t>(kSaltBytes, 0);
}

Error not_signed(const std::string& key) {
  return runtime_error(
      "'" + key +
      "' in the job's store: published by something that doesn't know the "
      "job's secret; the network between the ranks has to be private");
}

int64_t number_in(const std::string& key, const std::vector<uint8_t>& content) {
  if (content.empty()) {
    return 0;
  }
  int64_t number = 0;
  const std::string_view text = text_view(content);
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end) {
    throw runtime_error(
        "'" + key +
        "' in the job's store isn't a number; does every rank run the same "
        "version of pp?");
  }
  return number;
}

}  // namespace

SignedStore::SignedStore(
    c10::intrusive_ptr<c10d::Store> store, JobSecret secret, std::string prefix)
    : store_(std::move(store)),
      secret_(std::move(secret)),
      prefix_(std::move(prefix)) {
  pp::check(secret_.exists(), "a secret for the store");
}

c10::intrusive_ptr<c10d::Store> SignedStore::clone() {
  return c10::make_intrusive<SignedStore>(store_->clone(), secret_, prefix_);
}

std::string SignedStore::name(const std::string& key) const {
  return "pp/" + to_hex(secret_.sign("name in the store", {prefix_, key}));
}

std::vector<std::string> SignedStore::names(
    const std::vector<std::string>& keys) const {
  std::vector<std::string> out;
  out.reserve(keys.size());
  for (const std::string& key : keys) {
    out.push_back(name(key));
  }
  return out;
}

Mac SignedStore::code(
    const std::string& key,
    std::span<const uint8_t> salt,
    std::span<const uint8_t> content) const {
  return secret_.sign(
      "value in the store",
      {prefix_, key, text_view(salt), text_view(content)});
}

SignedStore::Bytes SignedStore::seal(
    const std::string& key, const Bytes& content, const Bytes& salt) const {
  const Mac signature = code(key, salt, content);
  Bytes out(signature.begin(), signature.end());
  out.insert(out.end(), salt.begin(), salt.end());
  out.insert(out.end(), content.begin(), content.end());
  return out;
}

SignedStore::Bytes SignedStore::open(
    const std::string& key, const Bytes& sealed) const {
  if (sealed.size() < kMacBytes + kSaltBytes) {
    throw not_signed(key);
  }
  const std::span<const uint8_t> all = sealed;
  const auto content = all.subspan(kMacBytes + kSaltBytes);
  const Mac expected = code(key, all.subspan(kMacBytes, kSaltBytes), content);
  if (!equal_in_constant_time(all.first(kMacBytes), expected)) {
    throw not_signed(key);
  }
  return {content.begin(), content.end()};
}

/// Replaces a value by what `change` makes of it; an absent value is empty.
/// Returns the new value.
SignedStore::Bytes SignedStore::update(
    const std::string& key,
    const std::function<Bytes(const Bytes& before)>& change) {
  // With a salt, a value that another process has just written is never taken
  // for this one's.
  const Bytes salt = random_bytes(kSaltBytes);
  Bytes found;
  for (;;) {
    const Bytes before = found.empty() ? Bytes() : open(key, found);
    const Bytes after = change(before);
    if (!found.empty() && after == before) {
      return after;
    }
    const Bytes sealed = seal(key, after, salt);
    Bytes now = store_->compareSet(name(key), found, sealed);
    if (now == sealed) {
      return after;
    }
    if (now.empty()) {
      throw not_signed(key);
    }
    // c10d returns what was expected if there is no such key any more.
    found = now == found ? Bytes() : std::move(now);
  }
}

void SignedStore::set(const std::string& key, const Bytes& value) {
  store_->set(name(key), seal(key, value, no_salt()));
}

SignedStore::Bytes SignedStore::compareSet(
    const std::string& key, const Bytes& expected, const Bytes& desired) {
  // To c10d, an empty value stands for an absent key.
  const Bytes before =
      expected.empty() ? Bytes() : seal(key, expected, no_salt());
  const Bytes now =
      store_->compareSet(name(key), before, seal(key, desired, no_salt()));
  return open(key, now);
}

SignedStore::Bytes SignedStore::get(const std::string& key) {
  return open(key, store_->get(name(key)));
}

int64_t SignedStore::add(const std::string& key, int64_t value) {
  const Bytes sum = update(key, [&](const Bytes& before) {
    const std::string text = std::to_string(number_in(key, before) + value);
    return Bytes(text.begin(), text.end());
  });
  return number_in(key, sum);
}

void SignedStore::append(const std::string& key, const Bytes& value) {
  update(key, [&](Bytes all) {
    all.insert(all.end(), value.begin(), value.end());
    return all;
  });
}

bool SignedStore::deleteKey(const std::string& key) {
  return store_->deleteKey(name(key));
}

bool SignedStore::check(const std::vector<std::string>& keys) {
  return store_->check(names(keys));
}

int64_t SignedStore::getNumKeys() {
  return store_->getNumKeys();
}

void SignedStore::wait(const std::vector<std::string>& keys) {
  store_->wait(names(keys));
}

void SignedStore::wait(
    const std::vector<std::string>& keys,
    const std::chrono::milliseconds& timeout) {
  store_->wait(names(keys), timeout);
}

const std::chrono::milliseconds& SignedStore::getTimeout() const noexcept {
  return store_->getTimeout();
}

void SignedStore::setTimeout(const std::chrono::milliseconds& timeout) {
  store_->setTimeout(timeout);
}

std::vector<std::vector<uint8_t>> SignedStore::multiGet(
    const std::vector<std::string>& keys) {
  std::vector<Bytes> values = store_->multiGet(names(keys));
  if (values.size() != keys.size()) {
    throw runtime_error(
        "the job's store returned " + std::to_string(values.size()) +
        " values for " + std::to_string(keys.size()) + " keys");
  }
  for (size_t i = 0; i < keys.size(); ++i) {
    values[i] = open(keys[i], values[i]);
  }
  return values;
}

void SignedStore::multiSet(
    const std::vector<std::string>& keys,
    const std::vector<std::vector<uint8_t>>& values) {
  pp::check(keys.size() == values.size(), "a value for each key");
  std::vector<Bytes> sealed;
  sealed.reserve(values.size());
  for (size_t i = 0; i < keys.size(); ++i) {
    sealed.push_back(seal(keys[i], values[i], no_salt()));
  }
  store_->multiSet(names(keys), sealed);
}

bool SignedStore::hasExtendedApi() const {
  return store_->hasExtendedApi();
}

}  // namespace pp
