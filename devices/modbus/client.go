package modbus

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"busbar/devices"

	goburrow "github.com/goburrow/modbus"
)

const (
	headerSize = 7   // transaction, protocol, length, unit
	maxPDU     = 253 // function code and data
)

// Client asks one Modbus TCP server for registers. It belongs to one goroutine. Every
// error of Registers is a *devices.Fault and closes the connection.
type Client struct {
	address Address
	dial    devices.DialFunc
	packer  goburrow.Packager
	conn    net.Conn
}

// NewClient makes a client that is not connected yet. dial may be nil for the network
// of the machine.
func NewClient(address Address, dial devices.DialFunc) *Client {
	if dial == nil {
		dial = (&net.Dialer{KeepAlive: 15 * time.Second}).DialContext
	}
	// Of the handler only Encode, Verify and Decode are used; it never dials.
	handler := goburrow.NewTCPClientHandler(address.Host)
	handler.SlaveId = address.Unit
	return &Client{address: address, dial: dial, packer: handler}
}

// Close ends the connection, if there is one. The next request opens a new one.
func (c *Client) Close() error {
	if c.conn == nil {
		return nil
	}
	err := c.conn.Close()
	c.conn = nil
	return err
}

// Registers reads count (1 to 125) registers from address on with function 3 or 4, and
// returns two bytes for each. It ends by ctx's deadline.
func (c *Client) Registers(ctx context.Context, function byte, address, count uint16) ([]byte, error) {
	raw, err := c.exchange(ctx, function, address, count)
	if err != nil {
		_ = c.Close()
		f := fault(err)
		f.Err = fmt.Errorf("cannot read %d registers from %d of %s: %w", count, address, c.address, f.Err)
		return nil, f
	}
	return raw, nil
}

func (c *Client) exchange(ctx context.Context, function byte, address, count uint16) ([]byte, error) {
	if c.conn == nil {
		conn, err := c.dial(ctx, "tcp", c.address.Host)
		if err != nil {
			return nil, devices.NewFault(devices.Unreachable, err)
		}
		c.conn = conn
	}
	conn := c.conn
	deadline, _ := ctx.Deadline() // zero: none
	if err := conn.SetDeadline(deadline); err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	data := binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, address), count)
	request, err := c.packer.Encode(&goburrow.ProtocolDataUnit{FunctionCode: function, Data: data})
	if err != nil {
		return nil, err
	}
	if _, err := conn.Write(request); err != nil {
		return nil, err
	}
	answer, err := readFrame(conn)
	if err != nil {
		return nil, err
	}
	if err := c.packer.Verify(request, answer); err != nil {
		return nil, garbled(err)
	}
	pdu, err := c.packer.Decode(answer)
	if err != nil {
		return nil, garbled(err)
	}
	return registers(pdu.FunctionCode, pdu.Data, function, count)
}

// readFrame reads one frame: its length is in the header and never more than what
// Modbus allows, whatever the peer claims.
func readFrame(r io.Reader) ([]byte, error) {
	var buf [headerSize + maxPDU]byte
	if n, err := io.ReadFull(r, buf[:headerSize]); err != nil {
		if n > 0 && errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, garbled(errors.New("connection ended inside a frame"))
		}
		return nil, err
	}
	length := int(binary.BigEndian.Uint16(buf[4:6])) // unit id and PDU
	if length < 2 || length > 1+maxPDU {
		return nil, garbled(fmt.Errorf("frame claims %d bytes", length))
	}
	frame := buf[:headerSize-1+length]
	if _, err := io.ReadFull(r, frame[headerSize:]); err != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return nil, err
		}
		return nil, garbled(errors.New("connection ended inside a frame"))
	}
	return frame, nil
}

// registers takes the registers out of an answer to function for count of them.
func registers(got byte, data []byte, function byte, count uint16) ([]byte, error) {
	if got == function|0x80 {
		if len(data) != 1 {
			return nil, garbled(fmt.Errorf("exception with %d bytes", len(data)))
		}
		return nil, refused(Exception(data[0]))
	}
	if got != function {
		return nil, garbled(fmt.Errorf("answer to function %d, asked %d", got, function))
	}
	if len(data) < 1 || int(data[0]) != len(data)-1 || int(data[0]) != 2*int(count) {
		return nil, garbled(fmt.Errorf("answer has %d bytes of registers, asked for %d", max(len(data)-1, 0), 2*count))
	}
	return data[1:], nil
}
