// launch_rank DIR MODE [RANK]: one rank of a job under launch_env. Writes to
// DIR/rank_R.json how it ended. MODE says what goes wrong, and RANK on which
// rank:
//   work    nothing; gather, broadcast and agree, for a few rounds
//   leave   RANK exits 3 before it joins
//   throw   RANK throws; the others wait for a message from it
//   kill    RANK kills itself; the others wait for a message
//   quiet   as kill, but the others compute and check for an interrupt
//   hang    RANK does nothing for 5 s; the others wait at most 1 s
//   differ  RANK has another job
//   idle    all wait for a signal
// PP_TEST_OUTPUT is the job's output folder, PP_TEST_JOIN_TIMEOUT the seconds
// that ranks wait for each other (60).

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <stop_token>
#include <thread>

#include <nlohmann/json.hpp>
#include <signal.h>

#include <ATen/ops/full.h>

#include "runtime/launch/launch.h"
#include "runtime/launch/signals.h"
#include "runtime/rank/agree.h"
#include "runtime/rank/collectives.h"
#include "runtime/rank/failure.h"

namespace {

using namespace pp;  // NOLINT: a test program
using std::chrono::milliseconds;

int64_t now_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<milliseconds>(now).count();
}

struct Job {
  std::string dir;
  std::string mode;
  int rank;

  void note(const std::string& name, const nlohmann::json& text) const {
    // The file appears whole.
    const std::string path = dir + "/" + name + ".json";
    std::ofstream(path + ".part") << text;
    std::rename((path + ".part").c_str(), path.c_str());
  }

  void main(RankContext& context) const;
  void work(RankContext& context) const;
  void fail(RankContext& context) const;
};

void Job::work(RankContext& context) const {
  agree(context, "plan", {{"train.steps", "4"}});
  for (int round = 0; round < 20; ++round) {
    Message own;
    own.tensors = {at::full({4}, context.rank + round)};
    own.microbatch = context.rank;
    const auto all = gather(context, own);
    Message sum;
    if (context.rank == 0) {
      check(static_cast<int>(all.size()) == context.size, "all messages");
      sum.tensors = {at::full({4}, 0)};
      for (int r = 0; r < context.size; ++r) {
        check(all.at(static_cast<size_t>(r)).microbatch == r, "rank order");
        sum.tensors[0].add_(all[static_cast<size_t>(r)].tensors.at(0));
      }
    }
    sum = broadcast(context, std::move(sum));
    const int64_t expected =
        context.size * round + context.size * (context.size - 1) / 2;
    check(
        sum.tensors.at(0)[0].item().to<int64_t>() == expected,
        "the sum over all ranks");
  }
}

void Job::fail(RankContext& context) const {
  std::this_thread::sleep_for(milliseconds(300));
  note("failing", {{"at", now_ms()}});
  if (mode == "throw") {
    throw ActionFailed(
        ErrorKind::Input, context.rank, 3, "1F3", "operator 'x' is not there");
  }
  if (mode == "kill" || mode == "quiet") {
    raise(SIGKILL);
  }
  std::this_thread::sleep_for(std::chrono::seconds(5));
  context.check_interrupted();
}

void Job::main(RankContext& context) const {
  const bool failing = context.rank == rank;
  if (mode == "work") {
    work(context);
  } else if (mode == "differ") {
    agree(context, "plan", {{"train.steps", failing ? "3" : "4"}});
    std::this_thread::sleep_for(milliseconds(1000));
    context.check_interrupted();
  } else if (failing) {
    fail(context);
  } else if (mode == "quiet" || mode == "idle") {
    note("idle_" + std::to_string(context.rank), {});
    for (int i = 0; i < 2000; ++i) {
      std::this_thread::sleep_for(milliseconds(10));
      context.check_interrupted();
    }
  } else {
    // A ring: not every rank waits for the one that fails.
    const int from = (context.rank + 1) % context.size;
    context.transport->recv(from)->wait(
        mode == "hang" ? milliseconds(1000) : milliseconds(20000));
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    return 2;
  }
  const Job job{argv[1], argv[2], argc > 3 ? std::atoi(argv[3]) : -1};
  std::stop_source stop;
  std::atomic<int> signal{0};
  const SignalWatch signals([&](const CaughtSignal& caught) {
    signal = caught.number;
    stop.request_stop();
  });
  const auto ranks = read_env_ranks([](const char* n) { return getenv(n); });
  if (!ranks) {
    std::cerr << "no ranks in the environment\n";
    return 2;
  }
  if (job.mode == "leave" && ranks->rank == job.rank) {
    return 3;
  }
  LaunchOptions options;
  options.stop = stop.get_token();
  const char* timeout = std::getenv("PP_TEST_JOIN_TIMEOUT");
  options.join_timeout =
      std::chrono::seconds(timeout != nullptr ? std::atoi(timeout) : 60);
  const char* output = std::getenv("PP_TEST_OUTPUT");
  options.output_folder = output != nullptr ? output : "";
  nlohmann::json end = {{"error", ""}};
  int code = 0;
  try {
    launch_env(
        *ranks, options, [&](RankContext& context) { job.main(context); });
  } catch (const JobFailed& error) {
    const bool interrupted = error.cause().interrupted && signal != 0;
    end["error"] = error.what();
    code = interrupted ? 128 + signal : static_cast<int>(error.kind());
    std::cerr << "rank " << ranks->rank << ": " << error.what() << "\n";
  } catch (const Error& error) {  // it couldn't join
    end["error"] = error.what();
    code = static_cast<int>(error.kind());
  }
  end["at"] = now_ms();
  end["code"] = code;
  job.note("rank_" + std::to_string(ranks->rank), end);
  return code;
}
