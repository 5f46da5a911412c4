#include "loader/allowed/families.h"

namespace pp {

namespace {

// Operators of the namespace "aten". In-place operators are listed without
// their trailing underscore.
constexpr OperatorFamily kScriptFamilies[] = {
    {"strings of scripts",
     "bin capitalize center chr endswith expandtabs find format hash hex "
     "isalnum isalpha isdecimal isdigit isidentifier islower isnumeric "
     "isprintable isspace istitle isupper join ljust lower lstrip oct ord "
     "partition percentFormat replace rfind rindex rjust rpartition rsplit "
     "rstrip splitlines startswith str strip swapcase title upper zfill"},
    {"lists and dictionaries of scripts",
     "__contains__ __derive_index __getitem__ __range_length "
     "_convolution_mode _infer_size _pad_enum append broadcast_shapes "
     "clear copy count dict extend get insert items keys len list pop "
     "popitem remove reverse setdefault sorted update values"},
    {"numbers of scripts",
     "Bool Complex ComplexImplicit Float FloatImplicit Int IntImplicit "
     "ScalarImplicit Size __is__ __isnot__ __not__ "
     "__round_to_zero_floordiv _unwrap_optional can_cast degrees divmod "
     "equal fabs factorial floordiv gamma mathremainder modf promote_types "
     "radians result_type"},
    {"queries of scripts about the process and the file",
     "has_torch_function is_autocast_cpu_enabled is_autocast_enabled "
     "is_grad_enabled is_scripting _is_tracing"},
    {"functions that the interpreter of scripts computes itself",
     "prim::abs prim::ConstantChunk prim::device prim::dtype "
     "prim::EnumName prim::EnumValue prim::index prim::is_cpu prim::is_cuda "
     "prim::is_ipu prim::is_maia prim::is_meta prim::is_mkldnn prim::is_mps "
     "prim::is_mtia prim::is_nested prim::is_quantized prim::is_sparse "
     "prim::is_sparse_csr prim::is_vulkan prim::is_xla prim::is_xpu "
     "prim::itemsize prim::layout prim::max prim::min "
     "prim::ModuleContainerIndex prim::nbytes prim::NumToTensor "
     "prim::rangelist prim::StringIndex prim::tolist prim::TupleIndex "
     "prim::TupleUnpack prim::type prim::unchecked_cast "
     "prim::unchecked_unwrap_optional prim::Uninitialized"},
};

}  // namespace

std::span<const OperatorFamily> script_families() {
  return kScriptFamilies;
}

}  // namespace pp
