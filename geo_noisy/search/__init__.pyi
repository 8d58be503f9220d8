from .snapshot import Found, search_items

__all__ = ['Found', 'search_items']
