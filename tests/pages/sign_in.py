"""Streamlit's secrets of a server where people sign in."""

AUTH = """[auth]
redirect_uri = "http://127.0.0.1:8501/oauth2callback"
cookie_secret = "0123456789abcdef0123456789abcdef"
client_id = "us"
client_secret = "s"
server_metadata_url = "https://id.lab.example/.well-known/openid-configuration"
"""
