#pragma once

#include <cstdint>
#include <string>
#include <vector>

/// Constants of the zip format, as far as PyTorch's archives use it
/// (APPNOTE.TXT 6.3: sections 4.3.7, 4.3.12, 4.3.14 to 4.3.16, 4.5.3).
namespace pp::zip {

constexpr uint32_t kLocalMagic = 0x04034b50;
constexpr uint32_t kEntryMagic = 0x02014b50;
constexpr uint32_t kEndMagic = 0x06054b50;
constexpr uint32_t kEnd64Magic = 0x06064b50;
constexpr uint32_t kLocator64Magic = 0x07064b50;

constexpr uint64_t kLocalSize = 30;  ///< without name and extra field
constexpr uint64_t kEntrySize = 46;  ///< without name, extra field, comment
constexpr uint64_t kEndSize = 22;    ///< without comment
constexpr uint64_t kEnd64Size = 56;
constexpr uint64_t kLocator64Size = 20;

constexpr uint16_t kStored = 0;
constexpr uint16_t kDeflated = 8;

constexpr uint16_t kFlagEncrypted = 1U << 0U;
/// Flag: the local header leaves sizes and CRC-32 to a descriptor after the
/// payload. The directory always has them. PyTorch sets this flag on all
/// records.
constexpr uint16_t kFlagDescriptor = 1U << 3U;
constexpr uint16_t kFlagUtf8 = 1U << 11U;

constexpr uint16_t kExtraZip64 = 0x0001;
/// Extra field "FB": padding that aligns the payload.
constexpr uint16_t kExtraPadding = 0x4246;
constexpr uint64_t kAlignment = 64;

/// Value of a 16-bit field whose actual value is in the zip64 extra field.
constexpr uint16_t kSee64Short = 0xffff;
/// Value of a 32-bit field whose actual value is in the zip64 extra field.
constexpr uint32_t kSee64 = 0xffffffff;

constexpr uint16_t kVersion64 = 45;  ///< "version needed" of a zip64 record

}  // namespace pp::zip
