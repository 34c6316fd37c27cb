// A Socket.IO server with connection state recovery, as its documentation sets it up: `node socketio.mjs PORT`.
// Clients join rooms and publish to them; a publish is acknowledged when it has been handed to all members' sockets.
import http from "node:http";
import { Server } from "socket.io";

const [port] = process.argv.slice(2);
const web = http.createServer((request, response) => response.writeHead(404).end());
const io = new Server(web, { connectionStateRecovery: {}, serveClient: false });
io.on("connection", (socket) => {
  socket.on("join", (room, acknowledge) => {
    socket.join(room);
    acknowledge();
  });
  socket.on("publish", (room, text, acknowledge) => {
    io.to(room).emit("message", text);
    acknowledge();
  });
});
process.on("SIGTERM", () => process.exit(0));
web.listen(Number(port), "127.0.0.1", 4096, () => console.log("listening"));
