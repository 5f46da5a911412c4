#include "runtime/rank/failure.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <new>

#include <nlohmann/json.hpp>
#include <unistd.h>

#include <c10/util/Exception.h>

namespace pp {
namespace {

using nlohmann::json;

std::string place(int stage, int microbatch, const std::string& action) {
  std::string out;
  const auto add = [&](const std::string& part) {
    out += (out.empty() ? "" : ", ") + part;
  };
  if (stage >= 0) {
    add("stage " + std::to_string(stage));
  }
  if (microbatch >= 0) {
    add("microbatch " + std::to_string(microbatch));
  }
  if (!action.empty()) {
    add(action);
  }
  return out;
}

std::string after_place(const std::string& where, const std::string& message) {
  return where.empty() ? message : where + ": " + message;
}

std::string one_line(std::string text) {
  while (!text.empty() && text.back() == '\n') {
    text.pop_back();
  }
  std::ranges::replace(text, '\n', ' ');
  return text;
}

std::string with_details(const Cause& cause) {
  std::string text = to_string(cause);
  for (const std::string& line : cause.details) {
    text += "\n  " + line;
  }
  return text;
}

}  // namespace

void set_place(Cause& cause, const ActivityState& activity) {
  cause.stage = activity.stage;
  cause.microbatch = activity.microbatch;
  cause.action = action_text(activity);
}

std::string to_string(const Cause& cause) {
  std::string where;
  if (cause.rank >= 0) {
    where = "rank " + std::to_string(cause.rank);
    if (!cause.host.empty()) {
      where += " (" + cause.host + ")";
    }
  }
  const std::string inner = place(cause.stage, cause.microbatch, cause.action);
  if (!inner.empty()) {
    where += (where.empty() ? "" : ", ");
    where += (cause.last_seen ? "last seen in " : "") + inner;
  }
  return after_place(where, cause.message);
}

std::string to_json(const Cause& cause) {
  const json out = {
      {"rank", cause.rank},
      {"host", cause.host},
      {"stage", cause.stage},
      {"microbatch", cause.microbatch},
      {"action", cause.action},
      {"kind", static_cast<int>(cause.kind)},
      {"message", cause.message},
      {"interrupted", cause.interrupted},
      {"last_seen", cause.last_seen},
      {"details", cause.details},
  };
  // A message may quote bytes of a file that are not UTF-8.
  return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

Cause cause_from_json(const std::string& text) {
  try {
    const json in = json::parse(text);
    Cause cause;
    cause.rank = in.at("rank").get<int>();
    cause.host = in.at("host").get<std::string>();
    cause.stage = in.at("stage").get<int>();
    cause.microbatch = in.at("microbatch").get<int>();
    cause.action = in.at("action").get<std::string>();
    const int kind = in.at("kind").get<int>();
    const bool known = kind >= static_cast<int>(ErrorKind::Usage) &&
                       kind <= static_cast<int>(ErrorKind::Verify);
    cause.kind = known ? static_cast<ErrorKind>(kind) : ErrorKind::Runtime;
    cause.message = in.at("message").get<std::string>();
    cause.interrupted = in.at("interrupted").get<bool>();
    cause.last_seen = in.at("last_seen").get<bool>();
    cause.details = in.at("details").get<std::vector<std::string>>();
    return cause;
  } catch (const json::exception&) {
    throw runtime_error(
        "can't parse the failure that a rank reported: " + text);
  }
}

JobFailed::JobFailed(Cause cause)
    : JobFailed(cause, static_cast<int>(cause.kind)) {}

JobFailed::JobFailed(Cause cause, int exit_code)
    : Error(cause.kind, with_details(cause)),
      cause_(std::move(cause)),
      exit_code_(exit_code) {}

ActionFailed::ActionFailed(
    ErrorKind kind,
    int stage,
    int microbatch,
    std::string action,
    const std::string& message)
    : Error(kind, after_place(place(stage, microbatch, action), message)),
      stage_(stage),
      microbatch_(microbatch),
      action_(std::move(action)),
      reason_(message) {}

Cause cause_of(const std::exception_ptr& error, int rank) {
  Cause cause;
  cause.rank = rank;
  cause.host = host_name();
  try {
    std::rethrow_exception(error);
  } catch (const JobFailed& e) {
    cause = e.cause();
  } catch (const ActionFailed& e) {
    cause.kind = e.kind();
    cause.stage = e.stage();
    cause.microbatch = e.microbatch();
    cause.action = e.action();
    cause.message = e.reason();
  } catch (const Error& e) {
    cause.kind = e.kind();
    cause.message = e.what();
  } catch (const c10::Error& e) {
    cause.message = e.what_without_backtrace();
  } catch (const std::bad_alloc&) {
    cause.message = "out of memory";
  } catch (const std::exception& e) {
    cause.message = e.what();
  } catch (...) {
    cause.message = "an error of unknown type";
  }
  cause.message = one_line(cause.message);
  return cause;
}

std::string host_name() {
  if (const char* given = std::getenv("PP_HOST"); given && *given != '\0') {
    return given;
  }
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

}  // namespace pp
