#include "runtime/launch/job_store.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iterator>
#include <set>
#include <thread>

#include <sys/socket.h>

#include <c10/util/Exception.h>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include "loader/core/first_line.h"
#include "runtime/launch/abandonable_call.h"
#include "runtime/launch/job_claim.h"
#include "runtime/launch/job_identity.h"
#include "runtime/launch/tcp_store.h"
#include "runtime/rank/failure.h"

namespace pp {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using Store = c10::intrusive_ptr<c10d::Store>;

// A call in which c10d itself waits for a key takes longer than that.
constexpr milliseconds kAnswerLimit{25000};
constexpr milliseconds kProbePause{20};

// How long rank 0 looks for the job that has its port, to name it.
constexpr milliseconds kFindOwnerLimit{3000};

constexpr auto kOwnPort = "; give each job its own MASTER_PORT";

std::string reason_of(const c10::Error& error) {
  const std::string text = first_line(error.what_without_backtrace());
  return text.find("EADDRINUSE") == std::string::npos
             ? text
             : "another program uses this port";
}

/// One rank on its way into the store.
class StoreJoiner {
 public:
  StoreJoiner(const EnvRanks& ranks, const LaunchOptions& options)
      : ranks_(ranks),
        options_(options),
        own_(own_identity(ranks, options.output_folder)),
        answer_limit_(
            std::min(kStoreTimeout, milliseconds(options.join_timeout))),
        root_(key_prefix(ranks)),
        keep_waiting_(until_stopped(ranks, options)) {
    out_.name = ranks.master_addr + ":" + std::to_string(ranks.master_port);
  }

  JobStore join() {
    addresses_ = resolve_master(ranks_, SOCK_STREAM, keep_waiting_);
    if (serves()) {
      serve();
    }
    try {
      wait_for_server();
      const Store plain = connect();
      check_secret(plain);
      const JobIdentity job = job_in(*keys_of_job(plain));
      check_is_ours(job);
      if (job.nonce == own_.nonce) {
        plain->set(kOwnerKey, to_json(own_));
      }
      out_.job = job.nonce;
      root_ += "/" + job.nonce;
      out_.main = keys_of_job(plain);
      claim_rank(*out_.main, own_, job, ranks_.agent_store, out_.name);
      out_.watch = keys_of_job(connect());
      out_.transport = keys_of_job(connect());
      return std::move(out_);
    } catch (const c10::Error& error) {
      throw runtime_error(
          "can't join the job's store at " + out_.name + ": " +
          reason_of(error) +
          "; set MASTER_ADDR to rank 0's machine and MASTER_PORT to a free "
          "port");
    }
  }

 private:
  bool serves() const { return ranks_.rank == 0 && !ranks_.agent_store; }

  Store keys_of_job(const Store& store) const {
    return pp::keys_of_job(store, ranks_.secret, root_);
  }

  SecretCheck secret_check(const Store& plain) const {
    return {open_keys(plain, root_), ranks_.secret, root_};
  }

  void serve() {
    try {
      const auto server = make_server(ranks_.master_port);
      keys_of_job(server)->set(kJobKey, to_json(own_));
      secret_check(server).publish();  // last: others wait for it
      out_.server = server;
    } catch (const c10::Error& error) {
      const std::string owner = find_owner();
      throw runtime_error(
          "can't serve the job's store at " + out_.name + ": " +
          (owner.empty() ? reason_of(error) +
                               "; set MASTER_PORT to a port that is free on "
                               "rank 0's machine"
                         : "another job uses this port: " + owner + kOwnPort));
    }
  }

  /// Describes the job that serves a store at this machine's port; empty if no
  /// job answers.
  std::string find_owner() {
    try {
      const auto store = try_connect("127.0.0.1", kFindOwnerLimit);
      const auto owner = store ? owner_in(**store) : std::nullopt;
      return owner ? describe(*owner) : "";
    } catch (const c10::Error&) {
      return "";
    }
  }

  /// The job that a store belongs to; nullopt if it doesn't say. A job that has
  /// just begun to serve says so a little later.
  std::optional<JobIdentity> owner_in(c10d::Store& plain) const {
    const auto deadline = Clock::now() + kFindOwnerLimit;
    try {
      while (!plain.check({kOwnerKey})) {
        keep_waiting_();
        if (Clock::now() > deadline) {
          return std::nullopt;
        }
        std::this_thread::sleep_for(kProbePause);
      }
      return identity_from_json(plain.get_to_str(kOwnerKey));
    } catch (const JobFailed&) {
      throw;
    } catch (const Error&) {
      return std::nullopt;
    }
  }

  /// Waits until the store is served. c10d's own client would retry too, but
  /// only once a second, with a warning each time, and without regard to
  /// signals.
  void wait_for_server() {
    const auto began = Clock::now();
    // This rank's own store is there, unless the address leads elsewhere.
    const milliseconds limit =
        serves() ? answer_limit_ : milliseconds(options_.join_timeout);
    bool announced = false;
    while (!accepts_connections(addresses_)) {
      keep_waiting_();
      const auto waited = Clock::now() - began;
      if (waited > limit) {
        throw no_server();
      }
      if (!serves() && ranks_.local_rank == 0 && !announced &&
          waited > kAnnounceAfter) {
        announced = true;
        options_.log.warning(
            (ranks_.agent_store ? "waiting for the launcher's store at "
                                : "waiting for rank 0 of " +
                                      std::to_string(ranks_.size) + " at ") +
            out_.name);
      }
      std::this_thread::sleep_for(kProbePause);
      addresses_ = resolve_master(ranks_, SOCK_STREAM, keep_waiting_);
    }
  }

  Error no_server() const {
    if (serves()) {
      return runtime_error(
          "MASTER_ADDR '" + ranks_.master_addr +
          "' doesn't lead to this machine, on which rank 0 serves the job's "
          "store; set it to the address of rank 0's machine");
    }
    return runtime_error(
        "the job's store at " + out_.name + " did not answer within " +
        std::to_string(options_.join_timeout.count()) +
        " s; is rank 0 running, and are MASTER_ADDR and MASTER_PORT the "
        "same on every rank?");
  }

  /// Nothing if the port accepts a connection, but doesn't answer.
  std::optional<Store> try_connect(
      const std::string& address, milliseconds limit) const {
    return abandonable_call(
        [address, store_options = client_options(ranks_.master_port)]() {
          return Store(
              c10::make_intrusive<c10d::TCPStore>(address, store_options));
        },
        limit,
        keep_waiting_);
  }

  Store connect() {
    const std::set<int> before = connections_to(ranks_.master_port);
    auto store = try_connect(ranks_.master_addr, answer_limit_);
    if (!store) {
      throw runtime_error(
          out_.name +
          " accepts connections, but doesn't answer as a job's "
          "store within " +
          std::to_string(answer_limit_.count() / 1000) +
          " s; another program uses this port, or rank 0 doesn't respond");
    }
    std::ranges::set_difference(
        connections_to(ranks_.master_port),
        before,
        std::back_inserter(out_.sockets));
    limit_answers(out_, kAnswerLimit);
    return *store;
  }

  /// Makes sure that the job in the store has this rank's secret. The first
  /// rank to come says which one the job has if the launcher serves the store;
  /// else rank 0 does.
  void check_secret(const Store& plain) {
    SecretCheck check = secret_check(plain);
    if (!ranks_.agent_store) {
      wait_for_job(*plain, check);
    }
    const SecretCheck::Result result =
        ranks_.agent_store ? check.publish_or_compare() : check.compare();
    if (result != SecretCheck::Result::Same) {
      throw refused(*plain, check, result);
    }
    out_.secret_check = std::move(check);
  }

  void wait_for_job(c10d::Store& plain, SecretCheck& check) const {
    const auto deadline = Clock::now() + answer_limit_ / 2;
    while (!check.is_published()) {
      keep_waiting_();
      // A job writes its own keys before it says that it owns the store.
      const bool is_owned = plain.check({kOwnerKey}) && !check.is_published();
      if (is_owned || Clock::now() > deadline) {
        const auto owner = owner_in(plain);
        throw runtime_error(
            "the store at " + out_.name + " doesn't belong to this job: " +
            (owner ? "another job uses this port: " + describe(*owner)
                   : "another program, or another version of pp, serves it") +
            kOwnPort);
      }
      std::this_thread::sleep_for(kProbePause);
    }
  }

  /// The error of this rank, whose secret isn't that of the job in the store.
  /// Ranks that may wait for this one hear of it; those of another job don't.
  Error refused(
      c10d::Store& plain, SecretCheck& check, SecretCheck::Result why) const {
    const auto owner = ranks_.agent_store ? std::nullopt : owner_in(plain);
    if (owner && (serves() || !may_be_one_job(*owner, own_))) {
      return another_job(*owner);
    }
    check.note_refused(ranks_.rank);
    return runtime_error(
        rank_name() + check.difference(why, out_.name) +
        (owner ? ": " + describe(*owner) : "") +
        "; give every rank of a job the same PP_JOB_SECRET" +
        (ranks_.agent_store ? "" : ", and each job its own MASTER_PORT"));
  }

  /// The identity of the job that this rank finds in the store. The first rank
  /// to come writes it if the launcher serves the store; else rank 0 does.
  JobIdentity job_in(c10d::Store& root) const {
    return identity_from_json(
        ranks_.agent_store
            ? root.compareSet(kJobKey, std::string(), to_json(own_))
            : root.get_to_str(kJobKey));
  }

  void check_is_ours(const JobIdentity& job) const {
    if (ranks_.agent_store) {
      return;  // torchrun keeps jobs apart
    }
    if (serves() ? job.nonce != own_.nonce : !may_be_one_job(job, own_)) {
      throw another_job(job);
    }
  }

  std::string rank_name() const {
    return "rank " + std::to_string(ranks_.rank) + " of " +
           std::to_string(ranks_.size);
  }

  Error another_job(const JobIdentity& job) const {
    return runtime_error(
        rank_name() + " finds another job at " + out_.name + ": " +
        describe(job) + kOwnPort);
  }

  const EnvRanks& ranks_;
  const LaunchOptions& options_;
  const JobIdentity own_;
  const milliseconds answer_limit_;
  std::string root_;
  const KeepWaiting keep_waiting_;
  Addresses addresses_;
  JobStore out_;
};

}  // namespace

JobStore join_store(const EnvRanks& ranks, const LaunchOptions& options) {
  return StoreJoiner(ranks, options).join();
}

void limit_answers(const JobStore& store, milliseconds limit) {
  const auto whole = std::chrono::duration_cast<std::chrono::seconds>(limit);
  const timeval time{
      whole.count(), std::chrono::microseconds(limit - whole).count()};
  for (const int socket : store.sockets) {
    for (const int option : {SO_RCVTIMEO, SO_SNDTIMEO}) {
      setsockopt(socket, SOL_SOCKET, option, &time, sizeof(time));
    }
  }
}

void end_calls(const JobStore& store) {
  for (const int socket : store.sockets) {
    shutdown(socket, SHUT_RDWR);
  }
}

JobStore serve_store(EnvRanks& ranks) {
  JobStore out;
  const auto server = make_local_server();
  ranks.master_port = server->getPort();
  const Store plain = server;
  const JobIdentity own = own_identity(ranks, "");
  const std::string root = key_prefix(ranks);
  keys_of_job(plain, ranks.secret, root)->set(kJobKey, to_json(own));
  SecretCheck(open_keys(plain, root), ranks.secret, root).publish();
  plain->set(kOwnerKey, to_json(own));
  out.name = "127.0.0.1:" + std::to_string(ranks.master_port);
  out.job = own.nonce;
  out.main = keys_of_job(plain, ranks.secret, root + "/" + own.nonce);
  out.server = server;
  return out;
}

KeepWaiting until_stopped(const EnvRanks& ranks, const LaunchOptions& options) {
  return [rank = ranks.rank, stop = options.stop] {
    if (stop.stop_requested()) {
      Cause cause;
      cause.rank = rank;
      cause.host = host_name();
      cause.message = "interrupted while waiting for the job's store";
      cause.interrupted = true;
      throw JobFailed(cause);
    }
  };
}

}  // namespace pp
