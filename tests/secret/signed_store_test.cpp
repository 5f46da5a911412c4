#include "runtime/secret/signed_store.h"

#include <functional>
#include <thread>

#include <gtest/gtest.h>

#include <torch/csrc/distributed/c10d/HashStore.hpp>

#include "loader/core/error.h"

namespace pp {
namespace {

using Bytes = std::vector<uint8_t>;

const JobSecret kSecret("what this job's processes know");

/// A store that records which keys are written, and can be read and written
/// without the secret.
class OpenStore : public c10d::HashStore {
 public:
  using HashStore::set;
  void set(const std::string& key, const Bytes& value) override {
    written.push_back(key);
    HashStore::set(key, value);
  }
  Bytes compareSet(
      const std::string& key,
      const Bytes& expected,
      const Bytes& desired) override {
    written.push_back(key);
    return HashStore::compareSet(key, expected, desired);
  }

  std::vector<std::string> written;
};

struct Stores {
  c10::intrusive_ptr<OpenStore> open = c10::make_intrusive<OpenStore>();
  c10::intrusive_ptr<SignedStore> ours = view(kSecret, "job");

  c10::intrusive_ptr<SignedStore> view(
      const JobSecret& secret, const std::string& prefix) const {
    return c10::make_intrusive<SignedStore>(open, secret, prefix);
  }
  /// The name under which the last key was written.
  const std::string& name() const { return open->written.back(); }
};

std::string error_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Runtime);
    return error.what();
  }
  return "";
}

constexpr auto kForged =
    "'host/1' in the job's store: published by something that doesn't know the "
    "job's secret; the network between the ranks has to be private";

TEST(SignedStore, IsAStoreForWhoHasTheSecret) {
  Stores stores;
  stores.ours->set("host/1", std::string("alpha"));
  EXPECT_EQ(stores.view(kSecret, "job")->get_to_str("host/1"), "alpha");
  EXPECT_EQ(stores.ours->clone()->get_to_str("host/1"), "alpha");
  EXPECT_TRUE(stores.ours->check({"host/1"}));
  EXPECT_FALSE(stores.ours->check({"host/1", "host/2"}));
  stores.ours->multiSet({"a", "b"}, {{1}, {2}});
  EXPECT_EQ(stores.ours->multiGet({"b", "a"}), (std::vector<Bytes>{{2}, {1}}));
  EXPECT_TRUE(stores.ours->deleteKey("a"));
  EXPECT_FALSE(stores.ours->check({"a"}));
  stores.ours->wait({"b"});
}

TEST(SignedStore, NamesSayNothingAndOtherSecretsAndPrefixesHaveOthers) {
  Stores stores;
  stores.ours->set("host/1", std::string("alpha"));
  EXPECT_EQ(stores.name().size(), 3 + 64u);
  EXPECT_EQ(stores.name().find("pp/"), 0u);
  EXPECT_EQ(stores.name().find("host"), std::string::npos);
  const JobSecret other("what another job's processes know");
  EXPECT_FALSE(stores.view(other, "job")->check({"host/1"}));
  EXPECT_FALSE(stores.view(kSecret, "another")->check({"host/1"}));
}

TEST(SignedStore, AForgedValueIsRefusedByEveryReader) {
  Stores stores;
  stores.ours->set("host/1", std::string("alpha"));
  const std::string name = stores.name();
  const Bytes sealed = stores.open->get(name);
  std::vector<Bytes> forged = {{}, {'x'}, Bytes(40, 0), Bytes(64, 'x')};
  for (size_t i = 0; i < sealed.size(); ++i) {
    forged.push_back(sealed);
    forged.back()[i] ^= 1U;
  }
  forged.emplace_back(sealed.begin(), sealed.end() - 1);
  for (const Bytes& value : forged) {
    stores.open->set(name, value);
    EXPECT_EQ(error_of([&] { stores.ours->get("host/1"); }), kForged);
    EXPECT_EQ(error_of([&] { stores.ours->multiGet({"host/1"}); }), kForged);
    EXPECT_EQ(
        error_of([&] { stores.ours->compareSet("host/1", "a", "b"); }),
        kForged);
    if (!value.empty()) {  // to c10d, an empty value is an absent key
      EXPECT_EQ(error_of([&] { stores.ours->add("host/1", 1); }), kForged);
    }
  }
}

TEST(SignedStore, AValueOfAnotherKeyOrJobIsForged) {
  Stores stores;
  stores.ours->set("host/0", std::string("alpha"));
  const Bytes of_another_key = stores.open->get(stores.name());
  stores.view(kSecret, "earlier job")->set("host/1", std::string("alpha"));
  const Bytes of_another_job = stores.open->get(stores.name());
  stores.ours->set("host/1", std::string("beta"));
  for (const Bytes& value : {of_another_key, of_another_job}) {
    stores.open->set(std::string(stores.open->written.at(2)), value);
    EXPECT_EQ(error_of([&] { stores.ours->get("host/1"); }), kForged);
  }
}

TEST(SignedStore, CompareSetWorksAsOfC10d) {
  const auto signed_store = Stores().ours;
  const auto plain = c10::make_intrusive<c10d::HashStore>();
  for (c10d::Store* store :
       {static_cast<c10d::Store*>(signed_store.get()),
        static_cast<c10d::Store*>(plain.get())}) {
    EXPECT_EQ(store->compareSet("k", "absent", "x"), "absent");
    EXPECT_FALSE(store->check({"k"}));
    EXPECT_EQ(store->compareSet("k", "", "one"), "one");
    EXPECT_EQ(store->compareSet("k", "", "two"), "one");
    EXPECT_EQ(store->compareSet("k", "other", "two"), "one");
    EXPECT_EQ(store->compareSet("k", "one", "two"), "two");
    EXPECT_EQ(store->get_to_str("k"), "two");
  }
}

TEST(SignedStore, CountsWhatSeveralThreadsAdd) {
  constexpr int kThreads = 4;
  constexpr int kEach = 50;
  SignedStore store(c10::make_intrusive<c10d::HashStore>(), kSecret, "job");
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&] {
        for (int i = 0; i < kEach; ++i) {
          store.add("done", 1);
        }
      });
    }
  }
  EXPECT_EQ(store.add("done", 0), kThreads * kEach);
  EXPECT_EQ(store.get_to_str("done"), std::to_string(kThreads * kEach));
}

TEST(SignedStore, AppendsAndCountsFromNothing) {
  Stores stores;
  stores.ours->append("list", {'a'});
  stores.ours->append("list", {'b'});
  EXPECT_EQ(stores.ours->get_to_str("list"), "ab");
  EXPECT_EQ(stores.ours->add("n", 0), 0);
  EXPECT_EQ(stores.ours->add("n", -3), -3);
  EXPECT_EQ(
      error_of([&] { stores.ours->add("list", 1); }),
      "'list' in the job's store isn't a number; does every rank run the same "
      "version of pp?");
}

}  // namespace
}  // namespace pp
