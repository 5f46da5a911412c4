#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace pp::test {

/// A stream of the fake device: device x kStreamsPerDevice + number.
using StreamKey = int64_t;
inline constexpr StreamKey kStreamsPerDevice = 1 << 20;

/// How far each stream is, as somebody knows: "all of stream s up to its n-th
/// operation is done before me".
using Clock = std::map<StreamKey, uint64_t>;

/// Keeps account of what happens before what on a device that works behind the
/// host's back. Operations are noted when the host hands them over; one that
/// may run before another that it depends on is a fault, whatever the timing
/// of this run. Thread safe.
class Orders {
 public:
  struct Use {
    const void* memory;
    bool writes;
  };
  /// An operation on `stream`. Faults: it reads what another stream may not
  /// have written yet, or writes what another may still use.
  void run(
      StreamKey stream, const std::vector<Use>& uses, const std::string& what);

  void allocated(const void* begin, size_t num_bytes, StreamKey stream);
  /// The next operation of the stream that it was allocated on gets it. Fault:
  /// another stream may still use it.
  void freed(const void* begin);

  Clock record(StreamKey stream);
  void block(StreamKey stream, const Clock& event);
  /// The calling thread learns that an event, or all of a stream, is done.
  static void host_knows(const Clock& event);
  static bool does_host_know(const Clock& event);
  void host_waits_for(StreamKey stream);

  /// What was found since the last call.
  std::vector<std::string> take_faults();
  size_t num_operations() const;

 private:
  struct Memory {
    size_t num_bytes = 0;
    StreamKey home = 0;
    StreamKey writer = 0;
    uint64_t written = 0;
    Clock used;
    std::string last;
  };
  Memory* try_find(const void* address);
  Clock& now(StreamKey stream);

  mutable std::mutex mutex_;
  std::map<const std::byte*, Memory> memories_;  ///< by where they begin
  std::map<StreamKey, Clock> streams_;
  std::vector<std::string> faults_;
  size_t num_operations_ = 0;
};

}  // namespace pp::test
