#include "runtime/pipeline/rank_on_device.h"

#include <algorithm>
#include <exception>
#include <set>
#include <utility>
#include <vector>

#include <torch/csrc/distributed/c10d/PrefixStore.hpp>

#include "runtime/device/placement.h"
#include "runtime/rank/collectives.h"
#include "runtime/rank/failure.h"
#include "runtime/schedule/channels.h"

namespace pp {

namespace {

/// Which ranks of the job send each other messages, in all pipelines.
std::vector<Channel> channels_of(const Plan& plan) {
  std::set<Channel> places;
  for (const Schedule* schedule :
       {&plan.train_schedule, &plan.forward_schedule}) {
    for (const Channel& channel : channels_of(*schedule)) {
      places.insert(channel);
    }
  }
  std::set<Channel> channels;
  for (int replica = 0; replica < plan.mesh.replicas; ++replica) {
    for (const auto& [from, to] : places) {
      channels.insert(
          {plan.mesh.rank_of(from, replica), plan.mesh.rank_of(to, replica)});
    }
  }
  return {channels.begin(), channels.end()};
}

/// Opens this rank's links to ranks on other devices. Ranks that share a device
/// exchange through the host, since NCCL does not serve them.
///
/// names  by rank: the name of its device, which is unique over all hosts
DeviceLinks open_links(
    const Plan& plan,
    const RankDevice& device,
    const std::vector<std::string>& names,
    RankContext& context) {
  DeviceLinks links;
  for (const auto& [from, to] : channels_of(plan)) {
    const bool sends = from == context.rank;
    if ((!sends && to != context.rank) || names[from] == names[to]) {
      continue;
    }
    context.check_interrupted();
    auto link = device.plugin().connect(
        c10::make_intrusive<c10d::PrefixStore>(
            "link/" + std::to_string(from) + "/" + std::to_string(to),
            context.store),
        device.device(),
        sends);
    (sends ? links.to[to] : links.from[from]) = std::move(link);
  }
  return links;
}

RankDevice device_for(
    const Plan& plan,
    std::shared_ptr<DevicePlugin> plugin,
    const RankContext& context) {
  const int index = device_of_rank(
      plan.execution.device, context.local_rank, plugin->num_devices());
  return {std::move(plugin), index};
}

}  // namespace

RankOnDevice::RankOnDevice(
    const Plan& plan,
    std::shared_ptr<DevicePlugin> plugin,
    RankContext& context)
    : context_(context),
      host_(context.transport),
      device_(device_for(plan, std::move(plugin), context)),
      compute_on_(device_) {
  const int index = device_.device().index();
  const std::string model = device_.plugin().name_of(index);
  const std::string name =
      model + " " + device_.plugin().identity_of(index) + " of " + host_name();
  const std::vector<std::string> names = all_gather_text(context, name);
  context.log.info("computes on " + device_.device().str() + ", " + name);
  if (const std::string text = sharing_text(names);
      context.rank == 0 && !text.empty()) {
    context.log.warning(text);
  }
  const bool threads = context.launcher == LauncherKind::Local;
  transport_.emplace(
      *host_,
      device_,
      threads,
      threads ? DeviceLinks{} : open_links(plan, device_, names, context));
  context_.transport = &*transport_;
  context_.device = &device_;
  context_.attach(*transport_);
}

RankOnDevice::~RankOnDevice() {
  context_.detach(*transport_);
  context_.transport = host_;
  context_.device = nullptr;
  if (std::uncaught_exceptions() == 0) {
    try {
      device_.synchronise();
    } catch (const std::exception&) {
      // The device failed in work whose results nobody reads.
    }
  }
}

}  // namespace pp
