#pragma once

#include <chrono>
#include <future>
#include <optional>
#include <thread>
#include <utility>

namespace pp {

/// Runs `call` on a thread of its own and returns its result. Meanwhile this
/// thread can notice signals and failures of other ranks, even if `call` can't
/// be interrupted. Returns nullopt if the call takes longer than `limit`. The
/// call then continues until it returns, so it must own everything that it
/// uses.
///
/// keep_waiting  a function that is called every few milliseconds; an exception
///               from it ends the wait
/// throws        what `call` or `keep_waiting` throws
template <typename Call, typename KeepWaiting>
auto abandonable_call(
    Call call, std::chrono::milliseconds limit, const KeepWaiting& keep_waiting)
    -> std::optional<decltype(call())> {
  constexpr std::chrono::milliseconds kPause{20};
  std::packaged_task<decltype(call())()> task(std::move(call));
  auto result = task.get_future();
  std::thread(std::move(task)).detach();
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (result.wait_for(kPause) != std::future_status::ready) {
    keep_waiting();
    if (std::chrono::steady_clock::now() > deadline) {
      return std::nullopt;
    }
  }
  return result.get();
}

}  // namespace pp
