package ocpp

import (
	"net/http"
	"strings"
)

// minDeflate is the shortest message that is compressed: below it the saved bytes are
// not worth their time.
const minDeflate = 512

// deflates tells whether version p is spoken with permessage-deflate (RFC 7692): it is
// mandatory for a CSMS of 2.x (2.0.1 Part 4 §3.3), and 1.6 stations are spared it.
func deflates(p Protocol) bool { return p == V201 || p == V21 }

// acceptable tells whether a client's offer of permessage-deflate can be met. We
// compress with the full window of 15 bits, so an offer that wants a smaller one of us
// is declined. What it says about its own window needs no answer.
func acceptable(h http.Header) bool {
	for _, line := range h.Values("Sec-WebSocket-Extensions") {
		for offer := range strings.SplitSeq(line, ",") {
			name, parameters, _ := strings.Cut(offer, ";")
			if strings.EqualFold(strings.TrimSpace(name), "permessage-deflate") && !wantsSmallWindow(parameters) {
				return true
			}
		}
	}
	return false
}

func wantsSmallWindow(parameters string) bool {
	for parameter := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(parameter, "=")
		if strings.EqualFold(strings.TrimSpace(name), "server_max_window_bits") {
			return strings.Trim(strings.TrimSpace(value), `"`) != "15"
		}
	}
	return false
}

// invalidCompression is the text by which the WebSocket library reports a server that
// agreed to compression on terms we have not offered.
const invalidCompression = "invalid compression negotiation"
