#include "core/router.h"

namespace fanwire {

Status Endpoint::Make(uint16_t index, EndpointOptions options,
                      std::shared_ptr<const Endpoint>* out) {
  auto endpoint = std::make_shared<Endpoint>();
  endpoint->index = index;
  endpoint->options = std::move(options);
  if (Status status = PathPattern::Parse(endpoint->options.pattern, &endpoint->pattern);
      !status.ok())
    return status;
  Status status =
      RoomTemplate::Parse(endpoint->options.publish_to, endpoint->pattern, &endpoint->room);
  if (status.ok()) *out = std::move(endpoint);
  return status;
}

std::shared_ptr<const RouteTable> RouteTable::With(std::shared_ptr<const Endpoint> endpoint) const {
  auto table = std::make_shared<RouteTable>(*this);
  table->endpoints_.push_back(std::move(endpoint));
  return table;
}

const Endpoint* RouteTable::Find(std::string_view path, PathParams* params) const {
  for (const auto& endpoint : endpoints_) {
    if (endpoint->pattern.Match(path, params)) return endpoint.get();
  }
  return nullptr;
}

}  // namespace fanwire
