package web

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"busbar/controller"
)

// ErrCannotResend is what Config.Resend may fail with: a person has to mend something
// first. Its text says what.
var ErrCannotResend = errors.New("cannot resend")

type (
	resendDTO struct {
		Transaction int64 `json:"transaction"`
		Messages    int   `json:"messages"` // that wait to be sent now
	}
)

// resend sends the parked messages of a transaction again.
func (s *Server) resend(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil || n <= 0 || s.cfg.Resend == nil {
		fail(w, r, http.StatusNotFound, "There is no transaction "+strconv.Quote(r.PathValue("id"))+".", "GET /api/v1/outbox lists the transactions whose messages are parked.")
		return
	}
	var o emptyOrder
	if body, err := readBody(w, r); err != nil || len(body) > 0 && strictJSON(body, &o) != nil {
		fail(w, r, http.StatusBadRequest, "The body can't be read.", "Send {} or nothing.")
		return
	}
	if !s.audit(w, r, "resend", fmt.Sprint(n), "the messages of the transaction are sent again") {
		return
	}
	waiting, err := s.cfg.Resend(r.Context(), controller.TxID(n))
	switch {
	case errors.Is(err, ErrCannotResend):
		fail(w, r, http.StatusConflict, err.Error(), "")
	case err != nil:
		s.cfg.Logger.Error("cannot resend", "tx", n, "err", err)
		fail(w, r, http.StatusServiceUnavailable, "The outbox can't be written.", "The program's log says why.")
	case waiting == 0:
		fail(w, r, http.StatusConflict, fmt.Sprintf("Transaction %d has no parked messages.", n), "GET /api/v1/outbox lists the transactions whose messages are parked.")
	default:
		reply(w, resendDTO{Transaction: n, Messages: waiting})
	}
}

// config shows the running configuration.
func (s *Server) config(w http.ResponseWriter, r *http.Request) {
	if s.cfg.Configuration == nil {
		fail(w, r, http.StatusNotFound, "This box has no configuration.", "")
		return
	}
	running := s.cfg.Configuration()
	if strings.Contains(r.Header.Get("Accept"), "yaml") {
		w.Header().Set("Content-Type", "application/yaml")
		_, _ = w.Write(running.RedactedYAML()) // a client that left gets no answer
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(running.RedactedJSON(), '\n'))
}
