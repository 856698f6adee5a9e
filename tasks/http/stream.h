// A socket as httplib reads and writes it, with limits. Read tasks/http/server.h first.
#pragma once

#include <httplib.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <string>
#include <utility>

namespace http {

using Clock = std::chrono::steady_clock;

// Whether `socket` can be read, or written, before the time is up.
inline bool wait_for(int socket, short events, Clock::time_point until) {
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
    pollfd one{socket, events, 0};
    const int ready = poll(&one, 1, int(std::max<long>(0, left)));
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

// A connection as httplib reads and writes it. A request has so many bytes and seconds; what is written leaves at once
// when the answer is whole, in one packet if it fits.
class Stream : public httplib::Stream {
 public:
  explicit Stream(int socket) : socket_(socket) {}

  // A request begins: it must be here whole, with at most `bytes`, within these seconds.
  void begin(size_t bytes, double seconds) {
    bytes_left_ = bytes;
    seconds_ = seconds;
    head_.clear();
    in_head_ = true;
    until_ = Clock::now() + std::chrono::microseconds(long(seconds * 1e6));
  }
  bool has_input() const { return at_ < in_.size(); }
  bool exhausted() const { return exhausted_; }
  // What has been read since begin(): called where the head ends, it is that.
  std::string take_head() {
    in_head_ = false;
    return std::exchange(head_, {});
  }
  // The client sends no more: it has gone, as a rule.
  bool hung_up() const {
    pollfd one{socket_, POLLRDHUP, 0};
    return poll(&one, 1, 0) > 0;
  }

  bool is_readable() const override { return has_input() || wait_for(socket_, POLLIN, until_); }
  bool is_writable() const override { return true; }
  ssize_t read(char* to, size_t size) override {
    if (!has_input() && !fill()) return -1;
    const size_t n = std::min({size, in_.size() - at_, bytes_left_});
    if (n == 0 && size > 0) {
      exhausted_ = true;
      return -1;
    }
    std::memcpy(to, in_.data() + at_, n);
    at_ += n;
    bytes_left_ -= n;
    if (in_head_) head_.append(to, n);
    return ssize_t(n);
  }
  ssize_t write(const char* from, size_t size) override {
    out_.append(from, size);
    return ssize_t(size);
  }
  void say_instead(std::string answer) { out_ = std::move(answer); }
  // httplib has written the answer before anybody knew that it is the connection's last.
  void announce_end() {
    const size_t begin = out_.starts_with("HTTP/1.1 100 ") ? out_.find("\r\n\r\n") + 4 : 0;  // which may be before it
    const size_t end = out_.find("\r\n\r\n", begin), at = out_.find("\r\nKeep-Alive: ", begin);
    if (at < end) out_.replace(at, out_.find("\r\n", at + 2) - at, "\r\nConnection: close");
  }
  bool flush() {
    const auto until = Clock::now() + std::chrono::microseconds(long(seconds_ * 1e6));
    size_t sent = 0;
    while (sent < out_.size()) {
      const ssize_t n = send(socket_, out_.data() + sent, out_.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n > 0) sent += size_t(n);
      if (n < 0 && errno != EAGAIN && errno != EINTR) return false;
      if (n < 0 && !wait_for(socket_, POLLOUT, until)) return false;
    }
    out_.clear();
    return true;
  }
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  socket_t socket() const override { return socket_; }

 private:
  bool fill() {
    if (!out_.empty() && !flush()) return false;  // "100 Continue"
    in_.resize(16 << 10);
    at_ = 0;
    ssize_t n = -1;
    while (wait_for(socket_, POLLIN, until_) && (n = recv(socket_, in_.data(), in_.size(), MSG_DONTWAIT)) < 0)
      if (errno != EAGAIN && errno != EINTR) break;
    in_.resize(size_t(std::max<ssize_t>(n, 0)));
    return n > 0;
  }

  int socket_;
  std::string in_, out_, head_;
  size_t at_ = 0, bytes_left_ = 0;
  double seconds_ = 1;
  bool exhausted_ = false, in_head_ = false;
  Clock::time_point until_;
};

}  // namespace http
