#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "runtime/transport/message.h"

// The form of a message on a wire between processes.
//
//   header       at most kHeaderBytes: Prefix, then the description and the
//                bytes of small tensors ("inline"), as far as they fit
//   description  a part of its own if it doesn't fit after the prefix
//   payloads     one part per tensor that is not inline, in order
//
// description  = tensor* requires_grad* int*
// tensor       = u8 state (0 undefined, 1 inline, 2 payload), u8 dtype,
//                u16 number of dimensions, i64 sizes*, i64 strides*
// requires_grad= u8        int = i64        all in the host's byte order
//
// The length of every part is announced, so that it is received into memory of
// exactly that size. The receiver checks all numbers before it allocates.

namespace pp::wire {

inline constexpr size_t kHeaderBytes = 8192;
/// The first bytes of a header: "PpP2". The digit is the version of the format.
inline constexpr uint32_t kMagic = 0x32507050;

/// A message divided into the parts to send.
struct Outgoing {
  std::vector<std::byte> header;       ///< at most kHeaderBytes
  std::vector<std::byte> description;  ///< empty if the header contains it
  std::vector<at::Tensor> payloads;    ///< dense, at least one byte each
};

/// Divides a message into parts.
///
/// message  its tensors must be canonical and on the CPU
Outgoing encode(const Message& message);

/// A message that is being received.
struct Incoming {
  Message message;  ///< its tensors are allocated, the inline ones are filled
  std::vector<at::Tensor> payloads;  ///< tensors of `message` to be received
};

/// Returns the size in bytes of the description, if it is a separate part; 0:
/// the header contains it.
/// throws  Error(Runtime): `header` is not a message's header
size_t description_bytes(std::span<const std::byte> header);

/// Returns the size in bytes of each payload of the message, in order.
/// throws  what decode() throws
std::vector<size_t> payload_bytes(
    std::span<const std::byte> header, std::span<const std::byte> description);

/// Provides memory for a payload, as a dense tensor of these sizes and strides.
using PayloadMemory = std::function<at::Tensor(
    at::IntArrayRef sizes, at::IntArrayRef strides, at::ScalarType dtype)>;

/// Reads a message except for its payloads, which the caller has yet to receive
/// into the tensors returned.
///
/// header       kHeaderBytes bytes, or fewer if fewer were sent
/// description  the separate description, of description_bytes(header) bytes;
///              empty if that is 0
/// memory       provides the memory of payloads; empty: they get new memory
/// throws       Error(Runtime): the bytes contain an impossible number, or
///              there is no memory
Incoming decode(
    std::span<const std::byte> header,
    std::span<const std::byte> description,
    const PayloadMemory& memory = {});

/// Returns the memory of a dense tensor.
std::span<std::byte> bytes_of(const at::Tensor& dense);

}  // namespace pp::wire
