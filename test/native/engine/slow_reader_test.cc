// A reader that is slow, or stops: it is told of, bounded, and in the end gone; the others feel nothing.
#include <gtest/gtest.h>

#include <string>

#include "test/native/engine/application.h"

namespace fanwire::test {
namespace {

constexpr uint32_t kMark = 64 * 1024;

// Over a Unix socket, whose buffers take some 200 KiB and never grow.
class SlowReaderTest : public testing::Test {
 protected:
  void Start(OverflowPolicy overflow, uint32_t max_buffered_bytes, uint32_t send_timeout_ms) {
    EndpointOptions endpoint = ToldEndpoint();
    endpoint.high_water_mark_bytes = kMark;
    endpoint.max_buffered_bytes = max_buffered_bytes;
    endpoint.send_timeout_ms = send_timeout_ms;
    endpoint.overflow = overflow;
    app_.AddEndpoint(endpoint);
    app_.ListenAt(directory_.Path("socket"));
    slow_ = app_.Connect(&slow_id_);
    other_ = app_.Connect(&other_id_);
  }
  // Posts one message and lets it leave.
  SendResult SendOne(std::string_view text) {
    const SendResult result = app_.Send(slow_id_, text);
    app_->Flush();
    return result;
  }
  // How many messages it took until the kernel was full and the mark was passed.
  int FillUp() {
    int sent = 1;
    while (SendOne(piece_) != SendResult::kQueuedHigh && sent < 10'000) {
      sent++;
      // What is not with the kernel after a round is in the outbox.
      ExpectOtherServed();
    }
    return sent;
  }
  void ExpectOtherServed() {
    ASSERT_EQ(app_.Send(other_id_, "ping"), SendResult::kQueued);
    app_->Flush();
    ASSERT_EQ(other_.ReadText(), "ping");
  }
  // Under kDropNewest the last one, too, may be dropped: again then.
  void SendUntilKept(std::string_view last) {
    for (uint64_t dropped = app_.Stat("dropped");; dropped = app_.Stat("dropped")) {
      SendOne(last);
      ExpectOtherServed();
      if (app_.Stat("dropped") == dropped) return;
      slow_.Read();
    }
  }
  // Reads whole frames with rising numbers, some of `sent` left out, and then what is sent last.
  void ExpectRisingThen(int sent, std::string_view last) {
    int before = -1, frames = 0;
    std::string text = slow_.ReadText();  // makes room for the last one
    SendUntilKept(last);
    for (; text != last; text = slow_.ReadText(), frames++) {
      ASSERT_EQ(text.substr(text.find('x')), piece_);
      ASSERT_GT(atoi(text.c_str()), before);
      before = atoi(text.c_str());
    }
    EXPECT_LT(frames, sent);
  }
  void AwaitEmptyOutboxes() {
    EXPECT_TRUE(app_.Until([&] { return app_.Stat("outboxBytes") == 0; }));
  }

  ScratchDirectory directory_;
  Application app_;
  WsClient slow_, other_;
  SessionId slow_id_, other_id_;
  const std::string piece_ = std::string(8'000, 'x');
};

TEST_F(SlowReaderTest, SendAnswersHighAndOneDrainFollows) {
  Start(OverflowPolicy::kClose, 2 << 20, 60'000);
  for (int round = 0; round < 3; round++) {
    int sent = FillUp();
    EXPECT_GT(app_->BufferedBytes(slow_id_), kMark);
    for (int i = 0; i < 10; i++, sent++) EXPECT_EQ(SendOne(piece_), SendResult::kQueuedHigh);
    EXPECT_EQ(app_.Count(EventKind::kDrain), 0u);
    for (int i = 0; i < sent; i++) ASSERT_EQ(slow_.ReadText().size(), piece_.size());
    app_.Await(EventKind::kDrain, slow_id_);
    ASSERT_TRUE(app_.Until([&] { return app_->BufferedBytes(slow_id_) == 0; }));
    ExpectOtherServed();
    EXPECT_EQ(app_.Count(EventKind::kDrain), 0u);
    AwaitEmptyOutboxes();
  }
}

TEST_F(SlowReaderTest, OverMaxBufferedBytesItIsClosedAndItsMemoryIsFree) {
  Start(OverflowPolicy::kClose, 256 * 1024, 60'000);
  for (int i = 0; i < 1'000 && app_->State(slow_id_) == SessionState::kOpen; i++) {
    SendOne(piece_);
    ExpectOtherServed();
    EXPECT_LE(app_.Stat("outboxBytes"), 256u * 1024);
  }
  EXPECT_EQ(app_.Await(EventKind::kClose, slow_id_).cause(), CloseCause::kSlowClient);
  EXPECT_EQ(SendOne(piece_), SendResult::kGone);
  EXPECT_EQ(app_->BufferedBytes(slow_id_), 0u);
  AwaitEmptyOutboxes();
  ExpectOtherServed();
  while (slow_.ReadFrame().first_byte != 0) {
  }
}

TEST_F(SlowReaderTest, TheDeadlineStrikesWithoutAnotherSend) {
  Start(OverflowPolicy::kClose, 4 << 20, 150);
  FillUp();
  const ToldEvent close = app_.Await(EventKind::kClose, slow_id_);
  EXPECT_EQ(close.cause(), CloseCause::kSendTimeout);
  EXPECT_EQ(close.code(), kCloseTryAgainLater);
  AwaitEmptyOutboxes();
  ExpectOtherServed();
}

TEST_F(SlowReaderTest, AReaderThatGoesOnBeforeTheDeadlineStays) {
  Start(OverflowPolicy::kClose, 4 << 20, 400);
  const int sent = FillUp();
  for (int i = 0; i < sent; i++) slow_.ReadText();
  // A second one stops for good: when it is gone, the first one's deadline has passed, too.
  std::swap(slow_, other_);
  std::swap(slow_id_, other_id_);
  FillUp();
  EXPECT_EQ(app_.Await(EventKind::kClose, slow_id_).cause(), CloseCause::kSendTimeout);
  EXPECT_EQ(app_->State(other_id_), SessionState::kOpen);
  ExpectOtherServed();
}

TEST_F(SlowReaderTest, DropNewestKeepsAPrefixOfWholeFrames) {
  Start(OverflowPolicy::kDropNewest, 128 * 1024, 60'000);
  int sent = 0;
  for (; app_.Stat("dropped") < 20 && sent < 10'000; sent++) {
    SendOne(std::to_string(sent) + piece_);
    ExpectOtherServed();
  }
  ExpectRisingThen(sent, "the last");
  AwaitEmptyOutboxes();
}

TEST_F(SlowReaderTest, DropOldestKeepsTheLastFrames) {
  Start(OverflowPolicy::kDropOldest, 128 * 1024, 60'000);
  int sent = 0;
  for (; app_.Stat("dropped") < 20 && sent < 10'000; sent++) {
    SendOne(std::to_string(sent) + piece_);
    ExpectOtherServed();
  }
  ExpectRisingThen(sent, "the last");
  AwaitEmptyOutboxes();
}

TEST_F(SlowReaderTest, APingIsAnsweredBetweenTheFramesThatWait) {
  Start(OverflowPolicy::kClose, 4 << 20, 60'000);
  const int sent = FillUp();
  slow_.SendFrame(0x89, "in between");
  int texts = 0;
  for (bool ponged = false; !ponged || texts < sent;) {
    const Frame frame = slow_.ReadFrame();
    ASSERT_TRUE(frame.first_byte == 0x81 || frame.first_byte == 0x8A) << int(frame.first_byte);
    if (frame.first_byte == 0x8A) {
      EXPECT_EQ(frame.payload, "in between");
      ponged = true;
    } else {
      ASSERT_EQ(frame.payload, piece_);
      texts++;
    }
  }
}

TEST_F(SlowReaderTest, ACloseFrameFollowsWhatWaits) {
  Start(OverflowPolicy::kClose, 4 << 20, 60'000);
  const int sent = FillUp();
  ASSERT_TRUE(app_->Close(slow_id_, 4001, "enough", CloseCause::kApplication));
  EXPECT_EQ(SendOne(piece_), SendResult::kGone);
  for (int i = 0; i < sent; i++) ASSERT_EQ(slow_.ReadText(), piece_);
  const Frame close = slow_.ReadFrame();
  EXPECT_EQ(close.payload, CloseBody(4001, "enough"));
  slow_.SendFrame(0x88, close.payload);
  EXPECT_TRUE(slow_.AtEnd());
  EXPECT_TRUE(app_.Await(EventKind::kClose, slow_id_).was_clean());
  AwaitEmptyOutboxes();
}

}  // namespace
}  // namespace fanwire::test
