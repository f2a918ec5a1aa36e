#include "protocol/ws_frame.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "test/native/protocol/client_frames.h"

namespace fanwire {
namespace {

using test::Bytes;
using test::FromHex;

Bytes HeaderOf(Opcode opcode, size_t payload_size, bool rsv1 = false) {
  Bytes header(kMaxServerHeader);
  header.resize(PutFrameHeader(header.data(), opcode, payload_size, rsv1));
  return header;
}

FrameHeaderStatus Parse(const Bytes& bytes, FrameHeader* header) {
  return ParseFrameHeader(bytes.data(), bytes.size(), header);
}

TEST(PutFrameHeaderTest, WritesTheShortestLength) {
  EXPECT_EQ(HeaderOf(Opcode::kText, 0), FromHex("81 00"));
  EXPECT_EQ(HeaderOf(Opcode::kBinary, 125), FromHex("82 7d"));
  EXPECT_EQ(HeaderOf(Opcode::kText, 126), FromHex("81 7e 00 7e"));
  EXPECT_EQ(HeaderOf(Opcode::kText, 65535), FromHex("81 7e ff ff"));
  EXPECT_EQ(HeaderOf(Opcode::kText, 65536), FromHex("81 7f 00 00 00 00 00 01 00 00"));
  EXPECT_EQ(HeaderOf(Opcode::kBinary, 0x123456789A), FromHex("82 7f 00 00 00 12 34 56 78 9a"));
  EXPECT_EQ(HeaderOf(Opcode::kClose, 2), FromHex("88 02"));
  EXPECT_EQ(HeaderOf(Opcode::kText, 1, true), FromHex("c1 01"));
}

TEST(PutFrameHeaderTest, IsAsLongAsFrameHeaderSizeSays) {
  for (const size_t size : {0, 1, 125, 126, 65535, 65536, 1 << 30}) {
    EXPECT_EQ(HeaderOf(Opcode::kText, size).size(), FrameHeaderSize(size)) << size;
  }
}

TEST(FrameSizeAtTest, GivesTheWholeSizeOrZeroIfTheHeaderIsCut) {
  for (const size_t size : {0, 5, 125, 126, 65535, 65536, 1 << 20}) {
    const Bytes header = HeaderOf(Opcode::kText, size);
    for (size_t cut = 0; cut < header.size(); ++cut) {
      EXPECT_EQ(FrameSizeAt(header.data(), cut), 0u) << size << " " << cut;
    }
    EXPECT_EQ(FrameSizeAt(header.data(), header.size()), header.size() + size);
  }
}

TEST(ParseFrameHeaderTest, ReadsWhatAClientSends) {
  FrameHeader header;
  ASSERT_EQ(Parse(FromHex("81 85 37 fa 21 3d"), &header), FrameHeaderStatus::kDone);
  EXPECT_EQ(header.opcode, Opcode::kText);
  EXPECT_EQ(header.payload_size, 5u);
  EXPECT_EQ(header.size, 6);
  EXPECT_TRUE(header.fin);
  EXPECT_TRUE(header.masked);
  EXPECT_EQ(header.rsv, 0);
  EXPECT_EQ(std::memcmp(&header.mask, "\x37\xFA\x21\x3D", 4), 0);

  ASSERT_EQ(Parse(FromHex("42 fe 01 00 01 02 03 04"), &header), FrameHeaderStatus::kDone);
  EXPECT_EQ(header.opcode, Opcode::kBinary);
  EXPECT_EQ(header.payload_size, 256u);
  EXPECT_EQ(header.size, 8);
  EXPECT_FALSE(header.fin);
  EXPECT_EQ(header.rsv, 4);

  ASSERT_EQ(Parse(FromHex("82 7f 40 00 00 00 00 00 00 00"), &header), FrameHeaderStatus::kDone);
  EXPECT_EQ(header.payload_size, uint64_t{1} << 62);
  EXPECT_EQ(header.size, 10);
  EXPECT_FALSE(header.masked);
  EXPECT_EQ(header.mask, 0u);
}

TEST(ParseFrameHeaderTest, AsksForMoreWhileTheHeaderIsCut) {
  for (const char* hex : {"81 85 37 fa 21 3d", "82 fe 01 00 01 02 03 04",
                          "82 ff 00 00 00 00 00 01 00 00 01 02 03 04"}) {
    const Bytes whole = FromHex(hex);
    FrameHeader header;
    for (size_t cut = 0; cut < whole.size(); ++cut) {
      const Bytes piece(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(cut));
      EXPECT_EQ(Parse(piece, &header), FrameHeaderStatus::kNeedMore) << hex << " " << cut;
    }
    EXPECT_EQ(Parse(whole, &header), FrameHeaderStatus::kDone);
  }
}

TEST(ParseFrameHeaderTest, RefusesWhatNoFrameMayBe) {
  const char* const bad[] = {
      "09 80",                                      // ping without FIN
      "89 fe",                                      // ping above 125 bytes
      "88 ff",                                      // close above 125 bytes
      "88 81",                                      // close with half a code
      "82 fe 00 7d 01 02 03 04",                    // 125 in two bytes
      "82 ff 00 00 00 00 00 00 ff ff 01 02 03 04",  // 65,535 in eight bytes
      "82 ff 80 00 00 00 00 00 00 00 01 02 03 04",  // the top bit
      "82 ff ff ff ff ff ff ff ff ff 01 02 03 04",
  };
  FrameHeader header;
  for (const char* hex : bad)
    EXPECT_EQ(Parse(FromHex(hex), &header), FrameHeaderStatus::kBad) << hex;
  for (const int opcode : {3, 4, 5, 6, 7, 11, 12, 13, 14, 15}) {
    const Bytes bytes = {static_cast<uint8_t>(0x80 | opcode), 0x80};
    EXPECT_EQ(Parse(bytes, &header), FrameHeaderStatus::kBad) << opcode;
  }
}

TEST(UnmaskTest, GivesRfc6455sHello) {
  Bytes data = FromHex("7f 9f 4d 51 58");
  uint32_t mask;
  std::memcpy(&mask, "\x37\xFA\x21\x3D", 4);
  Unmask(data.data(), data.size(), mask, 0);
  EXPECT_EQ(std::string(data.begin(), data.end()), "Hello");
}

TEST(UnmaskTest, WorksAtEverySizeOffsetAndAlignment) {
  const uint8_t key[4] = {0x01, 0x80, 0xFF, 0x5A};
  uint32_t mask;
  std::memcpy(&mask, key, 4);
  for (size_t size = 0; size <= 80; ++size) {
    for (size_t offset = 0; offset < 6; ++offset) {
      for (size_t shift = 0; shift < 8; ++shift) {
        Bytes data(shift + size + 1, 0x33);
        Unmask(data.data() + shift, size, mask, offset);
        for (size_t i = 0; i < size; ++i) {
          ASSERT_EQ(data[shift + i], 0x33 ^ key[(offset + i) % 4]);
        }
        ASSERT_EQ(data.back(), 0x33);
      }
    }
  }
}

}  // namespace
}  // namespace fanwire
