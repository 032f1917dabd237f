package ocpp

// Conn is one connection.
type Conn struct{ protocol Protocol }

// Protocol is the version this connection speaks.
func (c *Conn) Protocol() Protocol { return c.protocol }
