#include "loader/formats/exported_program_tree.h"

#include <algorithm>
#include <set>

namespace pp::ep {

namespace {

using Json = nlohmann::json;

std::vector<std::string> texts_of(const Json& list) {
  std::vector<std::string> out;
  for (const Json& item : list) {
    out.push_back(item.is_string() ? item.get<std::string>() : item.dump());
  }
  return out;
}

class TreeReader {
 public:
  TreeReader(const Json* namedtuple_fields, const JsonFields& fields)
      : namedtuple_fields_(namedtuple_fields), fields_(fields) {}

  void walk(const Json& tree, TreePath path) {
    constexpr size_t kMaxDepth = 100;
    if (path.size() > kMaxDepth) {
      fields_.fail("a tree spec is nested too deeply");
    }
    const Json* type = fields_.try_at(tree, "type");
    if (type == nullptr) {
      leaves_.push_back(std::move(path));
      return;
    }
    const Json& children = fields_.array(tree, "children_spec");
    const auto keys = child_keys(fields_.text(*type), tree, children.size());
    for (size_t i = 0; i < children.size(); ++i) {
      path.push_back(
          keys.empty() ? TreeStep{std::to_string(i), false}
                       : TreeStep{keys[i], true});
      walk(children[i], path);
      path.pop_back();
    }
  }

  std::vector<TreePath> take() { return std::move(leaves_); }

 private:
  /// Names of the children; empty where they have positions only.
  std::vector<std::string> child_keys(
      const std::string& type, const Json& tree, size_t num_children) const {
    const Json* context = fields_.try_at(tree, "context");
    std::vector<std::string> keys;
    if (context != nullptr && type == "collections.namedtuple") {
      keys = namedtuple_keys(*context);
    } else if (context != nullptr) {
      keys = context_keys(*context);
    }
    return keys.size() == num_children ? keys : std::vector<std::string>();
  }

  std::vector<std::string> namedtuple_keys(const Json& context) const {
    if (namedtuple_fields_ == nullptr || !context.is_string()) {
      return {};
    }
    const Json* entry = fields_.try_at(
        *namedtuple_fields_, context.get_ref<const std::string&>().c_str());
    return entry == nullptr ? std::vector<std::string>()
                            : texts_of(fields_.array(*entry, "field_names"));
  }

  // A dict keeps ["a", "b"], a dataclass [["a", "b"], ["unset"]], a
  // defaultdict {"dict_context": ["a", "b"]}; most as a text of JSON.
  static std::vector<std::string> context_keys(const Json& context) {
    Json inner = context;
    if (context.is_string()) {
      inner =
          Json::parse(context.get_ref<const std::string&>(), nullptr, false);
    }
    if (inner.is_object() && inner.contains("dict_context")) {
      inner = Json(inner["dict_context"]);
    }
    if (!inner.is_array()) {
      return {};
    }
    const bool dataclass =
        inner.size() == 2 && inner[0].is_array() && inner[1].is_array();
    return texts_of(dataclass ? inner[0] : inner);
  }

  const Json* namedtuple_fields_;
  const JsonFields& fields_;
  std::vector<TreePath> leaves_;
};

Json leaf() {
  return {
      {"type", nullptr},
      {"context", nullptr},
      {"children_spec", Json::array()}};
}

Json leaves(size_t count) {
  Json out = Json::array();
  for (size_t i = 0; i < count; ++i) {
    out.push_back(leaf());
  }
  return out;
}

Json tuple_of(Json children) {
  return {
      {"type", "builtins.tuple"},
      {"context", "null"},
      {"children_spec", std::move(children)}};
}

std::string dumped(Json tree) {
  Json out = Json::array();
  out.push_back(1);  // the version of the form
  out.push_back(std::move(tree));
  return out.dump();
}

}  // namespace

std::vector<TreePath> leaves_of(
    const std::string& spec,
    const Json* namedtuple_fields,
    const JsonFields& fields) {
  const Json parsed = Json::parse(spec, nullptr, false);
  if (!parsed.is_array() || parsed.size() != 2 || parsed[0] != 1) {
    fields.fail("a tree spec is not of version 1");
  }
  TreeReader reader(namedtuple_fields, fields);
  reader.walk(parsed[1], {});
  return reader.take();
}

std::vector<std::string> output_names(const std::vector<TreePath>& leaves) {
  std::vector<std::string> out;
  std::set<std::string> taken;
  for (size_t i = 0; i < leaves.size(); ++i) {
    const TreePath& path = leaves[i];
    const bool named = std::ranges::any_of(path, &TreeStep::named);
    std::string name;
    if (!named) {
      name = "output_" + std::to_string(i);
    } else {
      for (size_t step = 0; step < path.size(); ++step) {
        const bool first = step == 0;
        name += first ? "" : ".";
        name += first && !path[step].named ? "output_" : "";
        name += path[step].key;
      }
    }
    while (!taken.insert(name).second) {
      name += "_" + std::to_string(i);
    }
    out.push_back(std::move(name));
  }
  return out;
}

std::string tuple_spec(size_t num_leaves) {
  return dumped(tuple_of(leaves(num_leaves)));
}

std::string arguments_spec(
    size_t num_positional, const std::vector<std::string>& keywords) {
  Json keyword_tree = {
      {"type", "builtins.dict"},
      {"context", Json(keywords).dump()},
      {"children_spec", leaves(keywords.size())}};
  return dumped(tuple_of(Json::array(
      {tuple_of(leaves(num_positional)), std::move(keyword_tree)})));
}

}  // namespace pp::ep
