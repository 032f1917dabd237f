package ocppsim

import (
	"context"
	"fmt"
	"slices"

	"busbar/ocpp"
	"busbar/ocpp/ocpp2"
)

func (d *v2) displayCommands(m *ocpp.Mux) {
	ocpp.Handle(m, ocpp2.SetDisplayMessage, d.setDisplay)
	ocpp.Handle(m, ocpp2.GetDisplayMessages, d.getDisplay)
	ocpp.Handle(m, ocpp2.ClearDisplayMessage, d.clearDisplay)
	ocpp.Handle(m, ocpp2.CustomerInformation, d.customerInformation)
	ocpp.Handle(m, ocpp2.CostUpdated, func(context.Context, *ocpp.Conn, ocpp2.CostUpdatedRequest, *ocpp.Request) (ocpp2.CostUpdatedResponse, error) {
		return ocpp2.CostUpdatedResponse{}, nil
	})
}

// setDisplay keeps a message, in the place of one with its id (P2 O01).
func (d *v2) setDisplay(_ context.Context, _ *ocpp.Conn, req ocpp2.SetDisplayMessageRequest, _ *ocpp.Request) (ocpp2.SetDisplayMessageResponse, error) {
	d.c.mu.Lock()
	defer d.c.mu.Unlock()
	if tx := req.Message.TransactionID; tx != nil {
		known := false
		for _, ch := range d.chains {
			known = known || ch.id == *tx
		}
		if !known {
			return ocpp2.SetDisplayMessageResponse{Status: ocpp2.DisplayMessageStatusUnknownTransaction}, nil
		}
	}
	d.messages = slices.DeleteFunc(d.messages, func(m ocpp2.MessageInfo) bool { return m.ID == req.Message.ID })
	d.messages = append(d.messages, req.Message)
	return ocpp2.SetDisplayMessageResponse{Status: ocpp2.DisplayMessageStatusAccepted}, nil
}

// getDisplay tells the messages afterwards (P2 O03).
func (d *v2) getDisplay(_ context.Context, _ *ocpp.Conn, req ocpp2.GetDisplayMessagesRequest, r *ocpp.Request) (ocpp2.GetDisplayMessagesResponse, error) {
	d.c.mu.Lock()
	defer d.c.mu.Unlock()
	var found []ocpp2.MessageInfo
	for _, m := range d.messages {
		if (len(req.ID) == 0 || slices.Contains(req.ID, m.ID)) && (req.Priority == nil || *req.Priority == m.Priority) &&
			(req.State == nil || m.State != nil && *req.State == *m.State) {
			found = append(found, m)
		}
	}
	if len(found) == 0 {
		return ocpp2.GetDisplayMessagesResponse{Status: ocpp2.GetDisplayMessagesStatusUnknown}, nil
	}
	d.c.after(r, func() {
		enqueue(d.c, ocpp2.NotifyDisplayMessages, ocpp2.NotifyDisplayMessagesRequest{RequestID: req.RequestID, MessageInfo: found})
	})
	return ocpp2.GetDisplayMessagesResponse{Status: ocpp2.GetDisplayMessagesStatusAccepted}, nil
}

func (d *v2) clearDisplay(_ context.Context, _ *ocpp.Conn, req ocpp2.ClearDisplayMessageRequest, _ *ocpp.Request) (ocpp2.ClearDisplayMessageResponse, error) {
	d.c.mu.Lock()
	defer d.c.mu.Unlock()
	before := len(d.messages)
	d.messages = slices.DeleteFunc(d.messages, func(m ocpp2.MessageInfo) bool { return m.ID == req.ID })
	if len(d.messages) == before {
		return ocpp2.ClearDisplayMessageResponse{Status: ocpp2.ClearMessageStatusUnknown}, nil
	}
	return ocpp2.ClearDisplayMessageResponse{Status: ocpp2.ClearMessageStatusAccepted}, nil
}

// customerInformation tells what the charger keeps of a token, and forgets it (P2 N09,
// N10). Of other customers it knows nothing.
func (d *v2) customerInformation(_ context.Context, _ *ocpp.Conn, req ocpp2.CustomerInformationRequest, r *ocpp.Request) (ocpp2.CustomerInformationResponse, error) {
	d.c.mu.Lock()
	defer d.c.mu.Unlock()
	if req.IDToken == nil && req.CustomerIdentifier == nil && req.CustomerCertificate == nil || !req.Report && !req.Clear {
		return ocpp2.CustomerInformationResponse{Status: ocpp2.CustomerInformationStatusInvalid}, nil
	}
	told := ""
	if req.IDToken != nil {
		token, sessions := req.IDToken.IDToken, 0
		for _, t := range d.c.ledger {
			if t.IDTag == token {
				sessions++
			}
		}
		_, listed := d.c.list[token]
		told = fmt.Sprintf("%s: %d sessions, in the local list: %v", token, sessions, listed)
		if req.Clear {
			delete(d.c.list, token)
		}
	}
	if !req.Report {
		told = ""
	}
	d.c.after(r, func() {
		enqueue(d.c, ocpp2.NotifyCustomerInformation, ocpp2.NotifyCustomerInformationRequest{RequestID: req.RequestID, Data: told, GeneratedAt: ocpp.NewDateTime(d.c.now())})
	})
	return ocpp2.CustomerInformationResponse{Status: ocpp2.CustomerInformationStatusAccepted}, nil
}
