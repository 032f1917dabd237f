package ocppload

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/gorilla/websocket"
)

// ServeEcho answers every CALL on l with an empty CALLRESULT until ctx ends: the bare
// WebSocket library and JSON package, one goroutine per connection, nothing else. What
// any server in Go must spend on a message is measured with it. A StartTransaction is
// answered no differently; the Fleet does without its number.
func ServeEcho(ctx context.Context, l net.Listener) error {
	up := websocket.Upgrader{Subprotocols: []string{subprotocol}, CheckOrigin: func(*http.Request) bool { return true }}
	srv := &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ws, err := up.Upgrade(w, r, nil)
		if err != nil {
			return // the upgrader has answered
		}
		stop := context.AfterFunc(ctx, func() { _ = ws.Close() })
		defer stop()
		defer func() { _ = ws.Close() }()
		for echo(ws) == nil {
		}
	})}
	stop := context.AfterFunc(ctx, func() { _ = srv.Close() })
	defer stop()
	if err := srv.Serve(l); ctx.Err() == nil && !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// echo answers one message.
func echo(ws *websocket.Conn) error {
	_, b, err := ws.ReadMessage()
	if err != nil {
		return err
	}
	var frame []json.RawMessage
	if err := json.Unmarshal(b, &frame); err != nil {
		return err
	}
	if len(frame) < 2 {
		return errors.New("cannot echo: the message is no frame")
	}
	out := make([]byte, 0, len(frame[1])+8)
	out = append(out, "[3,"...)
	out = append(out, frame[1]...)
	out = append(out, ",{}]"...)
	return ws.WriteMessage(websocket.TextMessage, out)
}
