"""The web chat, without its pages: what opens a chat, what is written in it, what is seen, how somebody is reached.

A chat is a contact of the channel ``webchat``: its address is a made-up word that says nothing of anybody. A browser
opens it by a secret in a cookie, another browser by a return code; both end, the chat and its answers do not.
"""
