#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/job/schema.h"

namespace pp {

/// Returns the word of a key that `written` stands for, or `written` itself if
/// it stands for none. Ignores case, `_`, `-`, a package of torch in front and
/// "Loss" at the end, and reads "bfloat16" as "bf16", so torch's names work
/// ("AdamW", "torch.nn.CrossEntropyLoss").
std::string_view word_for(const JobKey& key, std::string_view written);

/// Suggests words of a key instead of an unknown one: "; did you mean
/// 'cross_entropy'?". Knows what other tools call some of them ("ce").
std::string nearest_words(const JobKey& key, std::string_view unknown);

/// Returns the key that other tools call `name`: "train.optimizer.lr" for
/// "learning_rate"; an empty string if there is none.
std::string_view key_for_foreign_name(std::string_view name);

/// Returns the names that key_for_foreign_name() knows.
std::vector<std::string_view> foreign_names();

}  // namespace pp
