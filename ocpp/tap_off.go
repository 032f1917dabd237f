//go:build !tap

package ocpp

// tap looks at what is written in builds with the tag tap (see tap.go).
func (c *Conn) tap(Frame, string) {}
