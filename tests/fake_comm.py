"""A notebook's side of a widget, without a notebook: what the widget sends is kept."""

import comm
from comm.base_comm import BaseComm


class FakeComm(BaseComm):
    """A channel to nowhere: `sent` holds the custom messages that went out, `opened` and `closed` say the rest."""

    def __init__(self, *given, **named):
        self.sent, self.opened, self.closed = [], None, False
        super().__init__(*given, **named)

    def publish_msg(self, msg_type, data=None, **named):
        if msg_type == "comm_open":
            self.opened = data
        elif msg_type == "comm_close":
            self.closed = True
        elif data["method"] == "custom":
            self.sent.append(data["content"])

    def receive(self, content):
        """Deliver a custom message of the notebook; the messages that the widget sends while it handles it."""
        before = len(self.sent)
        self.handle_msg({"content": {"data": {"method": "custom", "content": content}}, "buffers": []})
        return self.sent[before:]


def make_widget(monkeypatch, make):
    """The widget that `make()` makes, over a FakeComm."""
    with monkeypatch.context() as patch:
        patch.setattr(comm, "create_comm", FakeComm)
        return make()
