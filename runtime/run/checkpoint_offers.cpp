#include "runtime/run/checkpoint_offers.h"

#include <algorithm>
#include <chrono>
#include <functional>

#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include "loader/archive/atomic_file.h"
#include "loader/core/error.h"
#include "runtime/launch/launch_time.h"
#include "runtime/train/checkpoint.h"
#include "runtime/train/checkpoint_folder.h"
#include "runtime/train/content_hash.h"

namespace pp {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

// What is said of a part; else it is what is wrong with it.
constexpr auto kWhole = "";
constexpr auto kAbsent = "-";

/// A run that torchrun restarts before its own first checkpoint must not go on
/// from what an earlier run left in the folder.
bool is_of_earlier_launch(const fs::path& path) {
  const auto launched = torchrun_start();
  struct stat status {};
  if (!launched || stat(path.c_str(), &status) != 0) {
    return false;
  }
  const auto saved = std::chrono::seconds(status.st_mtim.tv_sec) +
                     std::chrono::nanoseconds(status.st_mtim.tv_nsec);
  return saved < launched->time_since_epoch();
}

/// Paths in messages may hold any bytes.
std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

// Found by nlohmann::json.
static void to_json(Json& json, const Listed& listed) {
  json = {
      listed.step,
      listed.hash,
      listed.error,
      listed.of_earlier_launch,
      listed.is_newest};
}

static void from_json(const Json& json, Listed& listed) {
  json.at(0).get_to(listed.step);
  json.at(1).get_to(listed.hash);
  json.at(2).get_to(listed.error);
  json.at(3).get_to(listed.of_earlier_launch);
  json.at(4).get_to(listed.is_newest);
}

std::string list_text(const fs::path& folder, bool this_launch) {
  std::vector<Listed> out;
  for (const fs::path& path : list_checkpoints(folder)) {
    Listed& listed = out.emplace_back();
    listed.step = *step_of(path);
    listed.of_earlier_launch = this_launch && is_of_earlier_launch(path);
    try {
      read_checkpoint(path);
      listed.hash = file_hash(path / kStateFile);
    } catch (const Error& error) {
      listed.error = error.what();
    }
  }
  if (!out.empty()) {
    out.back().is_newest = true;
  }
  return dump(out);
}

std::vector<Listed> parse_list(const std::string& text) {
  return Json::parse(text).get<std::vector<Listed>>();
}

std::string listed_text(const Listed& listed) {
  return dump(listed);
}

Listed parse_listed(const std::string& text) {
  return Json::parse(text).get<Listed>();
}

std::string look_text(const fs::path& path) {
  std::vector<std::string> parts;
  for (const CheckpointPart& part : read_checkpoint(path).parts) {
    std::error_code ignored;
    std::string& found = parts.emplace_back(kWhole);
    if (!fs::exists(path / part.file, ignored)) {
      found = kAbsent;
      continue;
    }
    try {
      check_part(path, part, Verify::Full);
    } catch (const Error& error) {
      found = error.what();
    }
  }
  return dump({{"state", read_file(path / kStateFile)}, {"parts", parts}});
}

std::vector<Candidate> candidates_of(const std::vector<std::string>& lists) {
  std::vector<Candidate> out;
  for (const std::string& text : lists) {
    for (const Listed& listed : parse_list(text)) {
      auto at = std::ranges::find_if(out, [&](const Candidate& candidate) {
        return candidate.listed.same_as(listed);
      });
      if (at == out.end()) {
        at = out.insert(at, {listed});
      }
      at->of_earlier_launch = at->of_earlier_launch && listed.of_earlier_launch;
      at->was_whole = at->was_whole || !listed.is_newest;
    }
  }
  std::erase_if(out, std::mem_fn(&Candidate::of_earlier_launch));
  std::ranges::stable_sort(out, [](const Candidate& a, const Candidate& b) {
    return a.listed.step > b.listed.step;
  });
  return out;
}

Found put_together(
    const std::vector<std::string>& looks, const fs::path& path) {
  Found found;
  for (size_t rank = 0; rank < looks.size(); ++rank) {
    const Json look = Json::parse(looks[rank]);
    if (look.is_null()) {
      continue;
    }
    if (found.state_text.empty()) {
      found.state_text = look.at("state");
      found.content = parse_checkpoint(found.state_text, path / kStateFile);
      found.holders.resize(found.content.parts.size());
      found.faults.resize(found.content.parts.size(), kAbsent);
    } else if (look.at("state") != found.state_text) {
      throw input_error(
          path.string() + " is another checkpoint than rank " +
          std::to_string(rank) + " has there: their state.json differ");
    }
    for (size_t part = 0; part < found.holders.size(); ++part) {
      const std::string is = look.at("parts").at(part);
      if (is == kWhole) {
        found.holders[part].push_back(static_cast<int>(rank));
      } else if (is != kAbsent) {
        found.faults[part] = is;
      }
    }
  }
  for (size_t part = 0; part < found.holders.size(); ++part) {
    if (!found.holders[part].empty()) {
      found.faults[part] = "";
    } else if (found.faults[part] == kAbsent) {
      found.faults[part] = "";
      found.absent.push_back(found.content.parts[part]);
    }
  }
  std::erase(found.faults, "");
  return found;
}

}  // namespace pp
