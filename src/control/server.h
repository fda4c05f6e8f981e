// The serving end of the control socket, on the loop.
#pragma once

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/json/value.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "control/protocol.h"
#include "host/loop.h"

namespace minato::control {

// One request being answered. Handlers may keep it and answer later; when the client goes away
// `on_close` is called and further answers go nowhere.
class Exchange {
 public:
  virtual ~Exchange() = default;
  virtual void send(const boost::json::value& data) = 0;
  virtual void finish(const Status& status) = 0;  // Once; nothing may follow.
  virtual void on_close(std::function<void()> callback) = 0;
};

using Handler = std::function<void(const Request& request, std::shared_ptr<Exchange> exchange)>;

class Server {
 public:
  // Replaces a stale socket of that path. Errors: AlreadyExists when somebody answers on it.
  static Result<std::unique_ptr<Server>> listen(host::Loop& loop, const std::string& path);
  ~Server();

  // Unknown verbs are answered with NotFound and the list of known ones.
  void handle(const std::string& verb, Handler handler) { handlers_[verb] = std::move(handler); }

 private:
  class Connection;
  Server(host::Loop& loop, std::string path);
  void accept();
  void dispatch(const Request& request, std::shared_ptr<Exchange> exchange);

  host::Loop& loop_;
  std::string path_;
  boost::asio::local::stream_protocol::acceptor acceptor_;
  std::map<std::string, Handler> handlers_;
  std::shared_ptr<bool> alive_;
};

}  // namespace minato::control
