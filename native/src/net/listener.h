// Listener: one listening socket, TCP or Unix; its reactor accepts and deals the sockets out.
// Path:      kernel -> [listener] -> reactor with the fewest connections
// Threading: opened by any thread, then owned by the reactor it is posted to.
// Lifetime:  shared by the engine, which names it, and its reactor; closed with the last reference.
#ifndef FANWIRE_NET_LISTENER_H_
#define FANWIRE_NET_LISTENER_H_

#include <memory>
#include <string>

#include "base/peer_address.h"
#include "fanwire/options.h"
#include "fanwire/status.h"

namespace fanwire {

class Listener {
 public:
  static Status Open(const ListenOptions& options, std::shared_ptr<Listener>* out,
                     ListenResult* result);
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener();

  // Any thread, once: from now on connections are refused and a Unix path is free.
  void Stop();

  // A socket, or -1 with errno. EMFILE and its like mean: pause.
  int Accept(PeerAddress* peer) const;
  static bool IsExhaustion(int error_number);

  int fd() const { return fd_; }

 private:
  Listener() = default;
  Status OpenUnix(const ListenOptions& options, ListenResult* result);
  Status OpenTcp(const ListenOptions& options, ListenResult* result);

  int fd_ = -1;
  bool tcp_ = false;
  std::string path_;
};

}  // namespace fanwire

#endif  // FANWIRE_NET_LISTENER_H_
