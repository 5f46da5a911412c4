#include "runtime/launch/job_store.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <set>
#include <thread>

#include <arpa/inet.h>
#include <sys/socket.h>

#include <c10/util/Exception.h>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include "loader/core/first_line.h"
#include "runtime/launch/abandonable_call.h"
#include "runtime/launch/job_claim.h"
#include "runtime/launch/job_identity.h"
#include "runtime/launch/loopback.h"
#include "runtime/rank/failure.h"

namespace pp {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using Store = c10::intrusive_ptr<c10d::Store>;

// No call waits for another rank inside the store, so one that takes longer
// means that the store is gone.
constexpr milliseconds kStoreTimeout{20000};
// A call in which c10d itself waits for a key takes longer than that.
constexpr milliseconds kAnswerLimit{25000};
constexpr milliseconds kProbePause{20};

// How long rank 0 looks for the job that has its port, to name it.
constexpr milliseconds kFindOwnerLimit{3000};

constexpr auto kOwnPort = "; give each job its own MASTER_PORT";

/// This process's connections to that port.
std::set<int> connections_to(int port) {
  std::set<int> found;
  std::error_code error;
  for (const auto& entry :
       std::filesystem::directory_iterator("/proc/self/fd", error)) {
    const std::string name = entry.path().filename().string();
    int fd = -1;
    std::from_chars(name.data(), name.data() + name.size(), fd);
    sockaddr_in6 peer{};
    socklen_t size = sizeof(peer);
    // Both address families have the port at the same offset.
    if (getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) == 0 &&
        (peer.sin6_family == AF_INET || peer.sin6_family == AF_INET6) &&
        ntohs(peer.sin6_port) == port) {
      found.insert(fd);
    }
  }
  return found;
}

Store prefixed(const Store& store, const std::string& prefix) {
  return c10::make_intrusive<c10d::PrefixStore>(prefix, store);
}

c10d::TCPStoreOptions client_options(int port) {
  c10d::TCPStoreOptions options;
  options.port = static_cast<uint16_t>(port);
  options.waitWorkers = false;
  options.timeout = kStoreTimeout;
  return options;
}

/// Serves a store on every address of this machine. c10d's server also connects
/// to itself, so it isn't given MASTER_ADDR, where another machine may be.
c10::intrusive_ptr<c10d::TCPStore> make_server(int port) {
  auto options = client_options(port);
  options.isServer = true;
  return c10::make_intrusive<c10d::TCPStore>("127.0.0.1", options);
}

/// Serves a store for the processes of this machine, at a free port. c10d's
/// server listens on every address unless it is given a socket.
c10::intrusive_ptr<c10d::TCPStore> make_local_server() {
  const int listener = listen_on_loopback();
  auto options = client_options(port_of(listener));
  options.isServer = true;
  options.masterListenFd = listener;
  return c10::make_intrusive<c10d::TCPStore>("127.0.0.1", options);
}

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
      const Store root = prefixed(plain, root_);
      const JobIdentity job = job_in(*plain, *root);
      check_is_ours(job);
      if (job.nonce == own_.nonce) {
        plain->set(kOwnerKey, to_json(own_));
      }
      out_.job = job.nonce;
      root_ += "/" + job.nonce;
      out_.main = prefixed(plain, root_);
      claim_rank(*out_.main, own_, job, ranks_.agent_store, out_.name);
      out_.watch = prefixed(connect(), root_);
      out_.transport = prefixed(connect(), root_);
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

  void serve() {
    try {
      const auto server = make_server(ranks_.master_port);
      prefixed(server, root_)->set(kJobKey, to_json(own_));
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

  /// Describes the job that serves a store at this rank's port; empty if no job
  /// answers. A job that has just begun to serve answers a little later.
  std::string find_owner() {
    const auto deadline = Clock::now() + kFindOwnerLimit;
    try {
      const auto store = try_connect("127.0.0.1", kFindOwnerLimit);
      while (store && Clock::now() < deadline) {
        if ((*store)->check({kOwnerKey})) {
          return describe(identity_from_json((*store)->get_to_str(kOwnerKey)));
        }
        keep_waiting_();
        std::this_thread::sleep_for(kProbePause);
      }
      return "";
    } catch (const c10::Error&) {
      return "";
    } catch (const JobFailed&) {
      throw;
    } catch (const Error&) {
      return "";
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

  /// The identity of the job that this rank finds in the store. The first rank
  /// to come writes it if the launcher serves the store; else rank 0 does.
  JobIdentity job_in(c10d::Store& plain, c10d::Store& root) {
    if (ranks_.agent_store) {
      return identity_from_json(
          root.compareSet(kJobKey, std::string(), to_json(own_)));
    }
    const auto deadline = Clock::now() + answer_limit_ / 2;
    while (!root.check({kJobKey})) {
      keep_waiting_();
      // A job writes its own key first.
      const bool is_owned = plain.check({kOwnerKey}) && !root.check({kJobKey});
      if (is_owned || Clock::now() > deadline) {
        const std::string owner = find_owner();
        throw runtime_error(
            "the store at " + out_.name + " doesn't belong to this job: " +
            (owner.empty() ? "another program, or another version of pp, "
                             "serves it"
                           : "another job uses this port: " + owner) +
            kOwnPort);
      }
      std::this_thread::sleep_for(kProbePause);
    }
    return identity_from_json(root.get_to_str(kJobKey));
  }

  void check_is_ours(const JobIdentity& job) const {
    if (ranks_.agent_store) {
      return;  // torchrun keeps jobs apart
    }
    if (serves() ? job.nonce != own_.nonce : !may_be_one_job(job, own_)) {
      throw runtime_error(
          "rank " + std::to_string(ranks_.rank) + " of " +
          std::to_string(ranks_.size) + " finds another job at " + out_.name +
          ": " + describe(job) + kOwnPort);
    }
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
  prefixed(plain, root)->set(kJobKey, to_json(own));
  plain->set(kOwnerKey, to_json(own));
  out.name = "127.0.0.1:" + std::to_string(ranks.master_port);
  out.job = own.nonce;
  out.main = prefixed(server, root + "/" + own.nonce);
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
