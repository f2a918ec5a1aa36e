// Endpoint, RouteTable: from a path to the endpoint that answers it.
// Path:      connection -> [router] -> session
// Threading: immutable; a new table is posted to every reactor when an endpoint is added.
// Lifetime:  tables share their endpoints; a session holds its endpoint through the engine's last
//            table.
#ifndef FANWIRE_CORE_ROUTER_H_
#define FANWIRE_CORE_ROUTER_H_

#include <memory>
#include <string_view>
#include <vector>

#include "core/path_pattern.h"
#include "fanwire/options.h"

namespace fanwire {

struct Endpoint {
  uint16_t index = 0;
  EndpointOptions options;
  PathPattern pattern;
  RoomTemplate room;  // where options.publish_to leads

  static Status Make(uint16_t index, EndpointOptions options, std::shared_ptr<const Endpoint>* out);
};

class RouteTable {
 public:
  static constexpr size_t kMaxEndpoints = 65535;

  // Another table with one more endpoint.
  std::shared_ptr<const RouteTable> With(std::shared_ptr<const Endpoint> endpoint) const;

  // The first that was added and matches; null if none does.
  const Endpoint* Find(std::string_view path, PathParams* params) const;
  const Endpoint* At(size_t index) const {
    return index < endpoints_.size() ? endpoints_[index].get() : nullptr;
  }
  size_t size() const { return endpoints_.size(); }

 private:
  std::vector<std::shared_ptr<const Endpoint>> endpoints_;
};

}  // namespace fanwire

#endif  // FANWIRE_CORE_ROUTER_H_
